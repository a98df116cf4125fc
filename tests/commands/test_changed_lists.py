"""``tandem connection check``: what changed at a desk since its mapping was proved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.simulators.servicenow import ServiceNow
from gateway.clock import now_us, utc
from tests.commands.conftest import Cli


@pytest.fixture
def desk() -> Iterator[ServiceNow]:
    with ServiceNow(lambda: utc(now_us())) as made:
        yield made


def test_a_check_says_what_appeared_and_what_went(cli: Cli, desk: ServiceNow, tmp_path: Path) -> None:
    cli.egress = desk.url.removeprefix("http://")
    path = tmp_path / "northwind.yaml"
    path.write_text(
        "name: northwind\nprovider: {slug: northwind, name: Northwind}\nkind: servicenow\nauth: basic\n"
        f"settings: {{instance: acme, url: '{desk.url}', login: tandem.integration}}\n"
        "secrets: {password: {env: PASSWORD}}\n"
    )
    cli.good("connection", "add", str(path), PASSWORD="let-me-in")
    assert "M111" not in cli.good("connection", "check", "northwind")
    choice = {"name": "incident", "element": "close_code", "value": "AI", "label": "Solved by AI", "inactive": "false"}
    desk._put("sys_choice", choice, "system")
    said = cli.run("connection", "check", "northwind")
    assert "northwind: W M111 Solved by AI appeared in close_code at northwind; add the row `Solved by AI: ...`" in (
        said.output
    )
    assert len(json.loads(cli.good("notice", "list", "--json"))) == 1
    choices = desk.tables["sys_choice"]
    del choices[next(id for id, row in choices.items() if row["value"] == "8")]
    (told,) = json.loads(cli.run("connection", "check", "northwind", "--json").output)
    assert told["ok"] is False
    assert sorted(severity for severity, _ in told["changed"]) == ["E", "W"]
    assert "active: their lists have changed: 1 that the mapping uses is gone" in cli.good("connection", "list")
    assert len(json.loads(cli.good("notice", "list", "--json"))) == 2
