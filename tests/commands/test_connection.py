"""``tandem connection``: a document becomes a connection at work, or every mistake in it is said at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors.memory.server import DeskServer
from gateway.providers import documents
from gateway.providers.documents import Mistakes, Outside
from tests.commands.conftest import TOKEN, WEBHOOK, Cli

NOTHING = Outside()


def test_a_desk_is_connected_asked_and_listed(cli: Cli, acme: Path) -> None:
    said = cli.good("connection", "add", str(acme), ACME_TOKEN=TOKEN)
    assert "connection acme: added, active" in said
    assert "gateway" in said
    (row,) = json.loads(cli.good("connection", "list", "--json"))
    assert (row["name"], row["provider"], row["provider_name"], row["state"]) == (
        *("acme", "acme", "Acme Managed Services", "active"),
    )
    assert row["poll_every"] == 30_000_000
    ((me, found, secrets),) = cli.rows("select me, found, secrets from connection")
    assert json.loads(me) == ["gateway"]
    assert json.loads(found)["me"] == "gateway"
    assert TOKEN not in secrets
    assert WEBHOOK not in secrets
    assert set(json.loads(secrets)) == {"token", "webhook"}


def test_no_secret_is_ever_shown(cli: Cli, acme: Path) -> None:
    told = cli.good("connection", "add", str(acme), "--json", ACME_TOKEN=TOKEN)
    told += cli.good("connection", "list", "--json") + cli.good("connection", "check", "--json")
    assert TOKEN not in told
    assert WEBHOOK not in told
    assert not any(TOKEN in text for (text,) in cli.rows("select payload from audit"))


def test_the_same_name_twice_is_a_conflict(connected: Cli, acme: Path) -> None:
    assert "--update" in connected.refused("connection", "add", str(acme), ACME_TOKEN=TOKEN)
    assert len(connected.rows("select 1 from connection")) == 1


def test_wrong_credentials_are_said_and_nothing_is_stored(cli: Cli, acme: Path) -> None:
    said = cli.refused("connection", "add", str(acme), ACME_TOKEN="wrong")
    assert "does not let us in" in said
    assert "sign in with a bearer token" in said
    assert "wrong" not in said.replace("Invalid", "")
    assert cli.rows("select 1 from connection") == []
    assert cli.rows("select 1 from provider") == []


def test_a_desk_that_may_not_be_reached_says_who_can_allow_it(cli: Cli, acme: Path) -> None:
    said = cli.refused("connection", "add", str(acme), ACME_TOKEN=TOKEN, TANDEM_EGRESS_ALLOW="")
    assert "TANDEM_EGRESS_ALLOW" in said


def test_an_unchecked_connection_is_paused_until_it_is_checked_and_resumed(cli: Cli, acme: Path) -> None:
    cli.good("connection", "add", str(acme), "--unchecked", ACME_TOKEN=TOKEN, TANDEM_EGRESS_ALLOW="")
    assert cli.rows("select state, me from connection") == [("paused", "[]")]
    assert "good, we are gateway" in cli.good("connection", "check", "acme")
    assert cli.rows("select me from connection") == [('["gateway"]',)]
    cli.good("connection", "resume", "acme")
    assert cli.rows("select state from connection") == [("active",)]


def test_a_check_that_fails_ends_with_status_1(connected: Cli, server: DeskServer) -> None:
    server.stop()
    result = connected.run("connection", "check", "acme", "--json")
    assert result.exit_code == 1
    (one,) = json.loads(result.output)
    assert one["ok"] is False
    assert one["problem"]["status"] == 503


def test_pause_and_resume_are_audited_with_their_reason(connected: Cli) -> None:
    connected.good("connection", "pause", "acme", "--reason", "their maintenance")
    assert connected.rows("select state, state_reason from connection") == [("paused", "their maintenance")]
    assert "paused: their maintenance" in connected.good("connection", "list")
    assert "was paused already" in connected.good("connection", "pause", "acme", "--reason", "their maintenance")
    connected.good("connection", "resume", "acme")
    subjects = connected.rows("select count(*) from audit where subject = 'connection:acme'")
    assert subjects == [(3,)]


def test_a_poll_says_what_was_new(connected: Cli, server: DeskServer) -> None:
    server.desk.create("paula", {"title": "Made over there"})
    assert json.loads(connected.good("connection", "poll", "acme", "--json"))["new"] == 1
    assert "acme: 0 new" in connected.good("connection", "poll", "acme")
    connected.good("connection", "pause", "acme")
    assert "paused" in connected.refused("connection", "poll", "acme")


def test_an_unknown_connection_is_not_there(cli: Cli) -> None:
    for verb in ("check", "pause", "resume", "poll"):
        assert "no such connection" in cli.refused("connection", verb, "nobody")


def test_new_credentials_replace_the_old_and_the_old_webhook_secret_stays_good(
    connected: Cli, acme: Path, tmp_path: Path
) -> None:
    (tmp_path / "acme.secret").write_text("another-webhook-secret")
    said = connected.good("connection", "add", str(acme), "--update", ACME_TOKEN=TOKEN)
    assert "changed, active" in said
    ((secrets, name),) = connected.rows("select secrets, name from connection")
    assert set(json.loads(secrets)) == {"token", "webhook", "webhook.previous"}
    rt = connected.runtime()
    opened = {n: rt.vault.open(text, f"{name}/{n}").reveal() for n, text in json.loads(secrets).items()}
    rt.close()
    assert opened["webhook"] == "another-webhook-secret"
    assert opened["webhook.previous"] == WEBHOOK


def test_kind_and_provider_never_change(connected: Cli, acme: Path) -> None:
    acme.write_text(acme.read_text().replace("slug: acme", "slug: other"))
    assert "never change" in connected.refused("connection", "add", str(acme), "--update", ACME_TOKEN=TOKEN)


# --- the document ---


def wrong(text: str, outside: Outside = NOTHING) -> dict[str, str]:
    """The mistakes of a document by field."""
    with pytest.raises(Mistakes) as caught:
        documents.read(text, "doc.yaml", outside)
    return {str(one.field): f"{one.title} {one.fix}" for one in caught.value.mistakes}


def test_every_mistake_is_said_at_once() -> None:
    told = wrong(
        "name: A!\nkind: zendesc\nintake: maybe\npoll: 1\nsecret: {token: x}\nsecrets: {token: {env: NOT_SET}}\n",
        Outside(variable={}.get),
    )
    assert set(told) == {"name", "provider", "kind", "intake", "poll", "secret", "secrets.token"}
    assert "Did you mean secrets?" in told["secret"]
    assert "NOT_SET is not set" in told["secrets.token"]


def test_settings_and_secrets_are_what_the_manifest_asks_for() -> None:
    head = "name: desk\nprovider: acme\nkind: memory\n"
    told = wrong(head + "settings: {url: 'http://desk.example', team: x}\n")
    assert set(told) == {"settings.url", "settings.team", "secrets.token"}
    assert "https is needed" in told["settings.url"]
    assert set(wrong(head + "settings: {url: 'https://d.example'}\nsecrets: {token: t, tokem: u}\n")) == {
        "secrets.tokem"
    }
    assert set(wrong(head + "auth: oauth\nsettings: {url: 'https://d.example'}\n")) == {"auth"}


def test_what_comes_over_the_network_reads_nothing_of_this_machine() -> None:
    head = "name: desk\nprovider: acme\nkind: memory\nsettings: {url: 'https://d.example'}\n"
    told = wrong(head + "secrets: {token: {env: TANDEM_SECRET_KEY}, webhook: {file: /etc/passwd}}\n")
    assert set(told) == {"secrets.token", "secrets.webhook"}
    assert "not read from here" in told["secrets.webhook"]
    assert set(wrong("name: d1\nprovider: acme\nmanifest: some.yaml\nmapping: x\n")) == {"manifest"}


def test_a_mistake_never_shows_a_secret() -> None:
    with pytest.raises(Mistakes) as caught:
        documents.read("name: d1\nprovider: acme\nkind: memory\nsecrets: {token: [hush], other: hush}\n")
    assert "hush" not in str(caught.value)
    assert "hush" not in json.dumps(caught.value.problem())


def test_a_document_that_is_none_is_refused_with_its_place() -> None:
    assert list(wrong("name: a\nname: b\n")) == ["doc.yaml:2:1"]
    assert list(wrong("- one\n")) == ["doc.yaml"]


def test_without_a_webhook_secret_it_says_that_only_polling_is_left() -> None:
    text = "name: d1\nprovider: acme\nkind: memory\nsettings: {url: 'https://d.example'}\nsecrets: {token: t}\n"
    (note,) = documents.read(text).notes
    assert "polling" in note
    assert "Secret" not in repr(documents.read(text))
    assert "'t'" not in repr(documents.read(text))
