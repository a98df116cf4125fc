"""A backup holds the whole state without its key, and comes back as an installation that may safely be started."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from connectors.memory.server import DeskServer
from gateway import backup
from gateway.errors import Conflict
from tests.commands.conftest import Cli
from tests.databases import SECRET_KEY, settings


@pytest.fixture
def saved(connected: Cli, tmp_path: Path) -> Path:
    """The backup of an installation with a linked ticket, an attachment, a comment that waits and one that came."""
    connected.good("ticket", "create", "--title", "VPN down")
    connected.good("ticket", "escalate", "T-1001", "--to", "acme", "--reason", "they run it")
    connected.work()
    rt = connected.runtime()
    kept = rt.files.put([b"a picture"])
    rt.close()
    (connected.config.home / "files" / "left.part").write_bytes(b"half")
    connected.good("ticket", "take-back", "T-1001", "--reason", "solved here")  # leaves a comment that waits
    connected.good("ticket", "create", "--title", "Printer")
    connected.good("ticket", "escalate", "T-1002", "--to", "acme", "--reason", "theirs too")  # a create that waits
    path = tmp_path / "out" / "tandem.tgz"
    path.parent.mkdir()
    said = connected.good("backup", str(path))
    assert "1 attachments" in said
    assert "without the secret key" in said
    assert kept["size"] == 9
    return path


@pytest.fixture
def empty(tmp_path: Path, server: DeskServer) -> Cli:
    home = tmp_path / "again"
    return Cli(settings(home), f"127.0.0.1:{server.port}")


def test_what_is_in_it(saved: Path, connected: Cli) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600
    with tarfile.open(saved) as tar:
        names = tar.getnames()
    assert names[:2] == ["about.json", "tandem.db"]
    assert sum(name.startswith("files/") for name in names) == 1
    assert not [name for name in names if "key" in name or name.endswith(".part")]
    raw = gzip.decompress(saved.read_bytes())
    assert SECRET_KEY.encode() not in raw
    assert b"desk-token" not in raw
    assert sorted(path.name for path in saved.parent.iterdir()) == ["tandem.tgz"]
    assert "already" in connected.refused("backup", str(saved))


def test_it_comes_back_paused_with_a_new_code_and_holds_what_may_have_been_sent(
    saved: Path, empty: Cli, connected: Cli
) -> None:
    said = empty.good("restore", str(saved))
    assert "every connection is paused" in said
    assert empty.rows("select number, title from ticket order by number") == [(1001, "VPN down"), (1002, "Printer")]
    ((state, reason),) = empty.rows("select state, state_reason from connection")
    assert state == "paused"
    assert "restored from a backup" in reason
    assert empty.rows("select code from installation") != connected.rows("select code from installation")
    held = json.loads(empty.good("delivery", "list", "--dead", "--json"))
    assert [(one["ticket"], one["kind"], one["state"]) for one in held] == [
        *[(1002, "create", "held"), (1001, "comment", "held")],
    ]
    assert empty.rows("select count(*) from session") == [(0,)]
    assert empty.rows("select count(*) from link where verify = 1 and remote_id is not null and role <> 'ended'") == [
        (0,)
    ]
    assert next((empty.config.home / "files").glob("*/*")).read_bytes() == b"a picture"
    assert json.loads(empty.good("audit", "verify", "--json"))["ok"] is True
    assert not [path.name for path in empty.config.home.rglob("*") if ".part" in path.name]


def test_nothing_is_sent_before_a_person_has_looked(saved: Path, empty: Cli, server: DeskServer) -> None:
    empty.good("restore", str(saved))
    empty.good("connection", "resume", "acme")
    assert empty.work() == 0
    assert len(server.desk.tickets) == 1
    create, comment = json.loads(empty.good("delivery", "list", "--dead", "--json"))
    empty.good("delivery", "replay", create["id"], comment["id"], "--reason", "they are not there")
    empty.work()
    assert server.desk.tickets["1001"].comments[-1].text.endswith("Taken back: solved here")
    assert [each.fields["title"] for each in server.desk.tickets.values()] == ["VPN down", "Printer"]
    ((code,),) = empty.rows("select code from installation")
    assert str(server.desk.tickets["1002"].fields["reference"]).startswith(f"TDM-{code}-")


def test_it_never_overwrites_a_database(saved: Path, connected: Cli) -> None:
    assert "a database already" in connected.refused("restore", str(saved))
    assert connected.rows("select count(*) from ticket") == [(2,)]


def test_another_key_cannot_restore_it(saved: Path, tmp_path: Path) -> None:
    other = Cli(settings(tmp_path / "other"))
    said = other.refused("restore", str(saved), TANDEM_SECRET_KEY="QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")
    assert "another secret key" in said
    assert not (tmp_path / "other" / "tandem.db").exists()


def packed(path: Path, *entries: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def about(saved: Path) -> bytes:
    with tarfile.open(saved) as tar:
        file = tar.extractfile("about.json")
        assert file is not None
        return file.read()


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([("about.json", b"?"), ("../evil", b"x")], "does not belong"),
        ([("about.json", b"?"), ("files/../../evil", b"x")], "does not belong"),
        ([("about.json", b"?"), ("secret.key", b"x")], "does not belong"),
        ([("about.json", b"?"), ("tandem.db", b"not a database")], "damaged"),
        ([("tandem.db", b"x")], "not a backup"),
        ([("about.json", b"{}")], "not a backup of this version"),
    ],
)
def test_an_archive_that_is_none_leaves_nothing_behind(
    saved: Path, empty: Cli, tmp_path: Path, entries: list[tuple[str, bytes]], said: str
) -> None:
    made = packed(tmp_path / "bad.tgz", *[(name, about(saved) if text == b"?" else text) for name, text in entries])
    assert said in empty.refused("restore", str(made))
    left = [path.name for path in empty.config.home.rglob("*") if path.is_file()]
    assert left == ["up.lock"]
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "again" / "evil").exists()


def test_a_cut_file_is_said_to_be_damaged(saved: Path, empty: Cli, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tgz"
    cut.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    assert "cannot be read" in empty.refused("restore", str(cut))
    assert not (empty.config.home / "tandem.db").exists()


def test_a_database_put_back_by_its_own_tools_begins_again(connected: Cli) -> None:
    before = connected.rows("select code from installation")
    connected.good("restore", "--adopt")
    assert connected.rows("select code from installation") != before
    assert connected.rows("select state from connection") == [("paused",)]
    assert "say what to restore" in connected.refused("restore")


def test_postgresql_has_its_own_tools(tmp_path: Path) -> None:
    elsewhere = settings(tmp_path, "postgresql://nobody@127.0.0.1/none")
    for act in (backup.backup, backup.restore):
        with pytest.raises(Conflict, match="pg_dump"):
            act(elsewhere, tmp_path / "file", 0)
    assert not (tmp_path / "file").exists()
