"""The table of roles and actions, read as a whole: what each may not do matters most."""

from __future__ import annotations

import pytest

from gateway.people.principal import ACTIONS, MAY, ROLES, Principal


def principal(role: str) -> Principal:
    return Principal(id="user:1", role=role, name="x")


def test_each_role_has_its_row_and_an_unknown_one_may_nothing() -> None:
    assert set(MAY) == set(ROLES)
    assert not any(principal("root").may(action) for action in ACTIONS)
    assert principal("root").scope == "own"


def test_an_action_that_no_role_has_is_a_slip_of_the_caller() -> None:
    with pytest.raises(ValueError, match=r"ticket\.delete"):
        principal("admin").may("ticket.delete")


@pytest.mark.parametrize(
    ("role", "denied"),
    [
        ("agent", {"user.write", "token.write", "connection.write", "audit.read", "mapping.write"}),
        ("auditor", {"ticket.change", "ticket.create", "comment.write", "user.write", "delivery.replay"}),
        ("provider", {"console", "portal", "ticket.escalate", "ticket.take_back", "audit.read", "arrival.read"}),
        ("requester", {"console", "ticket.change", "worklog.read", "link.read", "decision.read", "timeline.read"}),
    ],
)
def test_what_a_role_may_not(role: str, denied: set[str]) -> None:
    assert not {action for action in denied if principal(role).may(action)}


def test_an_auditor_changes_nothing() -> None:
    changes = {a for a in ACTIONS if a.rpartition(".")[2] not in ("read", "export", "console")} - {"self.write"}
    assert not {action for action in changes if principal("auditor").may(action)}


def test_only_an_admin_may_everything_at_the_desk() -> None:
    outside = {"portal", "survey.write", "pairing.finish"}
    assert {action for action in ACTIONS if not principal("admin").may(action)} == outside


def test_scopes() -> None:
    assert {role: principal(role).scope for role in ROLES} == {
        "admin": "all", "agent": "all", "auditor": "all", "provider": "connection", "requester": "own",
    }  # fmt: skip
