"""Three Tandems in a ring, and a fifth of all that they say to one another goes wrong: nothing is lost, doubled or told
to who must not hear it, and in the end they agree."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from connectors.simulators.faults import What
from tests.pairing.two import Side, forward, pair, quiet, sides

FAULTS: tuple[What, ...] = (
    "commit_then_drop", "drop_before_commit", "status", "commit_then_status", "truncate_body", "html_login_page",
)  # fmt: skip
SHARE = 0.2
FIELDS = {"alpha": "title", "beta": "service", "gamma": "subcategory"}
"""Who edits what: where one side alone edits a field, its last edit stands at all of them (I10)."""


def bad(*of: Side, seed: int) -> None:
    for n, one in enumerate(of):
        one.faults.seed(seed * 10 + n)
        for what in FAULTS:
            one.faults.chance(SHARE / len(FAULTS), what)


@pytest.mark.parametrize("seed", range(12))
def test_they_agree_whatever_goes_wrong(seed: int, full: bool) -> None:
    if seed >= 2 and not full:
        pytest.skip("many with --full")
    dice = random.Random(seed)
    with sides("alpha", "beta", "gamma") as (alpha, beta, gamma):
        ring = (alpha, beta, gamma)
        for at, one in enumerate(ring):
            pair(one, ring[(at + 1) % 3])
        bad(*ring, seed=seed)
        first = alpha.ticket()
        alpha.escalate(first, "beta")
        forward(*ring)
        (second,) = beta.all()
        beta.escalate(second, "gamma")
        forward(*ring)
        (third,) = gamma.all()
        ids = {"alpha": first, "beta": second, "gamma": third}
        said: Counter[str] = Counter()
        last: dict[str, str] = {}
        for n in range(40):
            one = dice.choice(ring)
            id, partner = ids[one.name], {"alpha": "beta", "beta": dice.choice(("alpha", "gamma")), "gamma": "beta"}
            match dice.choice(("edit", "say", "say", "file", "private", "poll")):
                case "edit":
                    name = FIELDS[one.name]
                    last[name] = f"{name} {n}"
                    one.edit(id, **{name: last[name]})
                    forward(*ring, times=dice.choice((0, 0, 1)))
                case "say":
                    said[f"said {n} by {one.name} to {partner[one.name]}"] += 1
                    one.say(id, f"said {n} by {one.name} to {partner[one.name]}", f"provider:{partner[one.name]}")
                case "file":
                    one.upload(
                        id, f"{n} by {one.name} to {partner[one.name]}", b"x" * n, f"provider:{partner[one.name]}"
                    )
                case "private":
                    one.say(id, f"PRIVATE {n} of {one.name}")
                case _:
                    one.poll()
            quiet(*ring)
        assert sum(n for one in ring for n in one.faults.met.values()) > 4
        for one in ring:
            one.faults.clear()
        forward(*ring)
        for one in ring:
            assert {row.state for row in one.rt.desks.rows()} == {"active"}
            one.poll()
        forward(*ring)

        assert [len(one.all()) for one in ring] == [1, 1, 1]
        for name, value in last.items():
            assert {one.shows(ids[one.name])[name] for one in ring} == {value}, name
        for one in ring:
            heard = Counter(text.splitlines()[-1] for text in one.texts(ids[one.name]))
            due = Counter({text: n for text, n in said.items() if one.name in text})
            assert {text: n for text, n in heard.items() if text.startswith("said")} == due, one.name
            assert not [text for text in heard if text.startswith("PRIVATE") and not text.endswith(one.name)]
            names = list(one.files(ids[one.name]))
            assert len(names) == len(set(names)) and all(one.name in name for name in names)
            notes = one.done("GET", f"tickets/{ids[one.name]}/notices")["items"]
            assert not [note for note in notes if note["kind"] in ("dead", "doubled", "regressed")], notes
        assert b"PRIVATE" not in b"".join(request.body for one in ring for request in one.asked)
