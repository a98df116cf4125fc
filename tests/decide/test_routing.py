"""Who should have a ticket: ordered rules, the first that can be followed, and the reason kept with those that lost."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway import plain
from gateway.decide.conditions import inputs
from gateway.decide.language import BadPolicy, Known
from gateway.decide.routing import DESK, Routed, choose, compile_routing, replay
from tests.decide.shipped import example, shipped

SHIPPED = compile_routing(shipped("routing"))
POLICY = {
    "policy": 1,
    "name": "routing",
    "rules": [
        {"name": "broken", "when": 'tags[3] == "x"', "to": "team:nobody"},
        {
            "name": "network",
            "when": 'category == "network" && impact == "high"',
            "to": "provider:acme",
            "because": "they run it",
        },
        {"name": "vip", "when": '"vip" in tags', "to": "team:front-office"},
    ],
    "default": "team:service-desk",
}


def facts(around: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    given = {"title": "x", "kind": "incident", "status": "new", "impact": "medium", "urgency": "medium", **fields}
    return inputs(given, **(around or {}))


def by(rules: str, around: dict[str, Any] | None = None, **fields: Any) -> Routed:
    """Routed by a policy given as YAML."""
    return choose(compile_routing(yaml.safe_load(f"policy: 1\nname: routing\n{rules}\n")), facts(around, **fields))


# --- in order ---


def test_the_first_rule_that_matches_decides_and_says_why() -> None:
    found = choose(compile_routing(POLICY), facts(category="network", impact="high", tags=["vip"]))
    assert (found.to, found.rule, found.because) == ("provider:acme", "network", "they run it")
    assert found.decision.otherwise == "rule vip would have given it to team:front-office"
    assert [name for name, _ in found.decision.lost] == ["broken"]
    assert found.decision.policy.startswith("routing@")


def test_a_rule_that_errs_does_not_match_and_is_named() -> None:
    found = choose(compile_routing(POLICY), facts(tags=["vip"]))
    assert found.to == "team:front-office"
    assert [name for name, _ in found.erred] == ["broken"]
    assert "Index error" in found.erred[0][1]
    assert found.notices[0].startswith("routing rule broken could not be evaluated and did not match: ")


@pytest.mark.parametrize("when", ['load["team:x"] > 0.5', "1 / hour == 1", 'open["team:x"]', 'tags[0] == "a"'])
def test_whatever_errs_matches_nothing(when: str) -> None:
    found = by(f"rules: [{{name: a, when: '{when}', to: 'team:x'}}]")
    assert (found.to, found.rule, [name for name, _ in found.erred]) == (DESK, "default", ["a"])


def test_each_loser_says_what_it_lost_by() -> None:
    found = choose(compile_routing(POLICY), facts(category="software", impact="low"))
    assert found.to == DESK and found.rule == "default" and found.because == "no rule matched"
    told = dict(map(tuple, found.decision.lost))
    assert told["network"] == "its condition is false: category is software, impact is low"
    assert told["vip"] == "its condition is false: tags is empty"
    assert told["broken"].startswith("could not be evaluated: ")


def test_the_decision_names_the_version_that_was_in_force() -> None:
    decided = choose(compile_routing(POLICY, label="routing@3"), facts()).decision
    assert (decided.policy, decided.kind) == ("routing@3", "routing")
    assert compile_routing(POLICY).label != compile_routing({**POLICY, "default": "team:x"}).label


def test_without_a_policy_the_desk_has_it() -> None:
    found = choose(None, facts())
    assert (found.to, found.decision.policy, found.because) == (DESK, "", "no routing policy is published")


def test_what_a_person_has_chosen_holds_and_what_the_rules_would_have_done_is_told() -> None:
    chosen = {"to": "team:network", "by": "agent:ana", "because": "they asked for it"}
    given = {**facts(category="network", impact="high"), "override": chosen}
    for _ in range(2):
        found = choose(compile_routing(POLICY), given)
        assert (found.to, found.rule, found.because) == ("team:network", "by hand", "they asked for it")
        assert found.decision.otherwise == "rule network would have given it to provider:acme"
        given = plain.read(plain.canonical(found.decision.inputs))


def test_conditions_see_who_asks_and_when() -> None:
    rule = """rules:
      - name: night
        when: 'site == "Madrid" && language == "es" && clientele == "customer" && !open["desk"] && hour >= 22
          && weekday == 5 && repeats > 2 && "provider:acme" in contract && "team:a" in had && load["team:a"] > 1.5'
        to: team:night"""
    around = {
        "requester": {"site": "Madrid", "language": "es", "clientele": "customer"},
        "open": {"desk": False},
        "hour": 23,
        "weekday": 5,
        "repeats": 3,
        "contract": ["provider:acme"],
        "had": ["team:a"],
        "load": {"team:a": 2},
    }
    assert by(rule, around).to == "team:night"
    for key in around:
        assert by(rule, {**around, key: inputs({})[key] if key != "requester" else {}}).to == DESK, key


# --- among several ---

CHOICE = """skills:
  team:network: [network, vpn]
  provider:acme: [network]
  provider:bolt: [network, vpn]
groups: {second-line: ['team:network', 'provider:acme', 'provider:bolt']}
rules: [{name: a, to: TO}]"""
BARRED = {"provider:acme": "x", "provider:bolt": "y"}
LOAD = {"team:network": 1.4, "provider:acme": 0.9, "provider:bolt": 0.2}


@pytest.mark.parametrize(
    ("to", "around", "holder"),
    [
        ("{first: ['team:network', 'provider:acme']}", {}, "team:network"),
        ("{first: ['team:network', 'provider:acme'], below: '1.0'}", {"load": LOAD}, "provider:acme"),
        ("{first: ['team:network', 'provider:acme'], open: true}", {"open": {"team:network": False}}, "provider:acme"),
        ("{first: ['provider:acme', 'provider:bolt'], needs: [vpn]}", {}, "provider:bolt"),
        ("{least_loaded: ['group:second-line']}", {"load": LOAD}, "provider:bolt"),
        ("group:second-line", {"load": LOAD}, "provider:bolt"),
        ("{internal_first: ['group:second-line']}", {"load": LOAD}, "team:network"),
        ("{provider_first: ['group:second-line']}", {"load": LOAD}, "provider:bolt"),
        ("{provider_first: ['group:second-line']}", {"load": LOAD, "bounced": ["provider:bolt"]}, "provider:acme"),
        ("{provider_first: ['group:second-line']}", {"barred": BARRED}, "team:network"),
        ("{first: [catalogue, contracted]}", {"contract": ["provider:bolt"]}, "provider:bolt"),
        ("{first: [catalogue, contracted]}", {"queue": "team:hr", "contract": ["provider:bolt"]}, "team:hr"),
        ("catalogue", {"queue": "team:hr"}, "team:hr"),
        ("contracted", {"contract": ["provider:acme", "provider:bolt"], "load": LOAD}, "provider:bolt"),
        ("provider:acme", {"bounced": ["provider:acme"]}, DESK),
        ("provider:acme", {"barred": {"provider:acme": "has no active connection"}}, DESK),
        ("catalogue", {}, DESK),
    ],
)  # fmt: skip
def test_one_of_several_is_taken(to: str, around: dict[str, Any], holder: str) -> None:
    assert by(CHOICE.replace("TO", to), around).to == holder


def test_who_was_passed_over_says_why() -> None:
    several = "['team:network', 'provider:acme', 'provider:bolt', 'team:late']"
    to = f"{{first: {several}, needs: [network], open: true, below: '1'}}"
    around = {
        "load": LOAD,
        "bounced": ["provider:acme"],
        "barred": {"provider:bolt": "has no contract that covers payroll"},
    }
    found = by(CHOICE.replace("TO", to), around)
    assert (found.to, found.rule) == (DESK, "default")
    assert found.decision.lost == [
        ["a", "team:network has a load of 1.4, and the limit is 1"],
        ["a", "provider:acme gave it back without work"],
        ["a", "provider:bolt has no contract that covers payroll"],
        ["a", "team:late has no skill network"],
    ]  # fmt: skip


def test_a_rule_that_names_one_who_cannot_have_it_is_said() -> None:
    found = by("rules: [{name: a, to: 'provider:acme'}]", {"barred": {"provider:acme": "has no active connection"}})
    assert found.notices == ("routing rule a names provider:acme, which has no active connection",)


def test_several_providers_get_a_leg_each_and_the_holder_none_twice() -> None:
    rules = (
        "rules: [{name: a, to: 'provider:acme', share: ['provider:acme', 'provider:bolt', 'provider:cato'], how: warm}]"
    )
    found = by(rules, {"bounced": ["provider:cato"]})
    assert (found.to, found.share, found.how) == ("provider:acme", ("provider:bolt",), "warm")
    assert by("rules: [{name: a, to: 'team:x'}]").how == "cold"


def test_a_default_that_cannot_have_it_does_not() -> None:
    rules = "rules: []\ndefault: provider:acme"
    assert by(rules).to == "provider:acme"
    assert by(rules, {"bounced": ["provider:acme"]}).to == DESK
    assert by(rules, {"barred": {"provider:acme": "x"}}).to == DESK


# --- the shipped policy ---


@pytest.mark.parametrize(
    ("around", "fields", "to", "rule"),
    [
        ({}, {}, DESK, "default"),
        ({"queue": "team:hr"}, {}, "team:hr", "the service has a team"),
        ({"queue": "team:hr"}, {"tags": ["phishing"]}, DESK, "a fraud is looked at inside"),
        ({"contract": ["provider:acme"]}, {}, "provider:acme", "a contract's own service"),
        (
            {"contract": ["provider:acme"], "queue": "team:x", "open": {"desk": False, "provider:acme": True}},
            {"priority": "P1"},
            "provider:acme",
            "an emergency while the desk is closed",
        ),
        (
            {"contract": ["provider:acme"], "bounced": ["provider:acme"], "open": {"desk": True}},
            {},
            DESK,
            "given back without work",
        ),
        ({"open": {"desk": False}}, {"priority": "P1"}, DESK, "default"),
    ],
)
def test_the_shipped_policy(around: dict[str, Any], fields: dict[str, Any], to: str, rule: str) -> None:
    found = choose(SHIPPED, facts(around, **fields))
    assert (found.to, found.rule) == (to, rule)


# --- laws ---

HOLDERS = ["team:network", "team:hr", "provider:acme", "provider:bolt", DESK]
AROUND = st.fixed_dictionaries(
    {},
    optional={
        "open": st.dictionaries(st.sampled_from([*HOLDERS, "desk"]), st.booleans()),
        "load": st.dictionaries(st.sampled_from(HOLDERS), st.floats(0, 9)),
        "bounced": st.lists(st.sampled_from(HOLDERS), unique=True),
        "barred": st.dictionaries(st.sampled_from(HOLDERS), st.just("cannot")),
        "contract": st.lists(st.sampled_from(HOLDERS[2:4]), unique=True),
        "queue": st.sampled_from(["", *HOLDERS]),
        "hour": st.integers(0, 23),
        "repeats": st.integers(0, 9),
    },
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "category": st.sampled_from(["network", "software"]),
        "impact": st.sampled_from(["high", "low"]),
        "priority": st.sampled_from(["P1", "P3"]),
        "tags": st.lists(st.sampled_from(["vip", "security"]), unique=True),
        "title": st.text(max_size=20),
    },
)
TOS = [
    "team:network", "provider:acme", "contracted", "catalogue", {"first": ["provider:acme", "team:hr"], "open": True},
    {"least_loaded": ["provider:bolt", "team:network"], "below": "2"}, {"provider_first": ["team:hr", "contracted"]},
]  # fmt: skip
WHENS = ["true", 'category == "network"', "tags[0] == 'vip'", 'load["team:hr"] > 1.0', "size(bounced) > 1", "hour < 8"]
POLICIES = st.lists(st.tuples(st.sampled_from(WHENS), st.sampled_from(TOS)), max_size=6).map(
    lambda rules: compile_routing(
        {
            "policy": 1,
            "name": "routing",
            "rules": [{"name": f"r{n}", "when": when, "to": to} for n, (when, to) in enumerate(rules)],
        }
    )
)


@given(POLICIES, AROUND, FIELDS)
def test_somebody_always_has_it_the_same_for_the_same_to_the_byte(policy: Any, around: Any, fields: Any) -> None:
    given = facts(around, **fields)
    found = choose(policy, given)
    assert found.to.startswith(("team:", "provider:"))
    if found.to != DESK and found.rule != "default":
        assert found.to not in given["bounced"] and found.to not in given["barred"]
    assert found.decision.because
    stored = plain.read(plain.canonical(found.decision.inputs))
    assert replay(policy, stored) == found.decision.text()
    assert choose(policy, given) == found


def test_the_order_in_which_facts_came_in_changes_no_byte() -> None:
    policy = compile_routing(
        {"policy": 1, "name": "routing", "rules": [{"name": "a", "when": WHENS[3], "to": "team:x"}]}
    )
    one, two = {"team:a": 1.0, "team:hr": 0.5}, {"team:hr": 0.5, "team:a": 1.0}
    assert replay(policy, facts({"load": one})) == replay(policy, facts({"load": two}))


# --- a policy with mistakes ---

KNOWN = Known(frozenset({"x", "service-desk"}), frozenset({"acme", "bolt"}), frozenset({"acme"}))


@pytest.mark.parametrize(
    ("rules", "path", "said"),
    [
        ("rules: [{name: a, when: 'nope == \"x\"', to: 'team:x'}]", "rules[0].when", "undeclared"),
        ("rules: [{name: a, when: 'title == ', to: 'team:x'}]", "rules[0].when", "column"),
        ("rules: [{name: a, when: 'title', to: 'team:x'}]", "rules[0].when", "not true or false"),
        ("rules: [{name: a, when: 'tags.exists(t, t == title)', to: 'team:x'}]", "rules[0].when", "undeclared"),
        ("rules: [{name: a, when: '%s', to: 'team:x'}]" % ("true || " * 400 + "true"), "rules[0].when", "longer"),
        ("rules: [{name: a, when: '', to: 'team:x'}]", "rules[0].when", "a condition"),
        ("rules: [{name: a, when: 'load[\"x\"] > 1', to: 'team:x'}]", "rules[0].when", "no matching overload"),
        ("rules: [{name: a, to: somebody}]", "rules[0].to", "not somebody"),
        ("rules: [{name: a, to: 'team:y'}]", "rules[0].to", "no such team"),
        ("rules: [{name: a}]", "rules[0].to", "is needed"),
        ("rules: [{to: 'team:x'}]", "rules[0].name", "needs a name"),
        ("rules: [{name: a, to: 'provider:acme'}, {name: a, to: 'team:x'}]", "rules[1].name", "rules[0] too"),
        ("rules: [{name: a, to: 'team:x', becuase: y}]", "rules[0].becuase", "no such key"),
        ("rules: [{name: a, to: 'team:x', because: ''}]", "rules[0].because", "a text"),
        ("rules: [{name: a, to: 'team:x', how: hot}]", "rules[0].how", "no such word"),
        ("rules: [{name: a, to: 'team:x', share: ['team:x']}]", "rules[0].share[0]", "with providers"),
        ("rules: [{name: a, to: {first: ['team:x'], least_loaded: ['team:x']}}]", "rules[0].to", "one way"),
        ("rules: [{name: a, to: {}}]", "rules[0].to", "one way"),
        ("rules: [{name: a, to: {first: []}}]", "rules[0].to.first", "nobody to choose"),
        ("rules: [{name: a, to: {first: ['team:y']}}]", "rules[0].to.first[0]", "no such team"),
        ("rules: [{name: a, to: 'group:z'}]", "rules[0].to[0]", "no such group"),
        ("groups: {z: []}\nrules: []", "groups.z", "nobody is in"),
        ("rules: [{name: a, to: {first: ['team:x'], needs: [vpn]}}]", "rules[0].to.needs[0]", "nobody has this skill"),
        ("rules: [{name: a, to: {first: ['team:x'], below: much}}]", "rules[0].to.below", "a number"),
        ("rules: [{name: a, to: {first: ['team:x'], open: maybe}}]", "rules[0].to.open", "true or false"),
        ("rules: {a: b}", "rules", "a list"),
        ("default: team:x", "rules", "a list of rules"),
        ("rules: []\ndefault: nobody", "default", "not somebody"),
        ("rules: []\ncolour: red", "colour", "no such key"),
    ],
)
def test_a_mistake_is_refused_at_its_place(rules: str, path: str, said: str) -> None:
    with pytest.raises(BadPolicy) as refused:
        compile_routing(yaml.safe_load(f"policy: 1\nname: routing\n{rules}\n"), KNOWN)
    assert [fault.path for fault in refused.value.faults] == [path]
    assert said in refused.value.faults[0].title


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadPolicy) as refused:
        compile_routing({"policy": 2, "name": "sla", "rules": [{"name": "", "when": "nope", "to": "x"}]}, KNOWN)
    paths = ["policy", "name", "rules[0].name", "rules[0].when", "rules[0].to"]
    assert [fault.path for fault in refused.value.faults] == paths


def test_what_its_author_should_know_is_said() -> None:
    rules = [{"name": "all", "to": "team:x"}, {"name": "more", "to": "provider:bolt"}]
    notes = compile_routing({"policy": 1, "name": "routing", "rules": rules}, KNOWN).notes
    assert notes[0] == "rules[1] is never reached: rules[0] matches every ticket."
    assert "bolt has no active connection" in notes[1]


def test_the_shipped_policy_names_nobody_whom_a_fresh_installation_lacks() -> None:
    known = Known(frozenset({"service-desk"}), frozenset(), frozenset())
    assert compile_routing(shipped("routing"), known).notes == ()


def test_the_example_is_one_that_can_be_published() -> None:
    known = Known(
        frozenset({"service-desk", "people", "network"}), frozenset({"acme", "bolt"}), frozenset({"acme", "bolt"})
    )
    policy = compile_routing(example("routing"), known)
    assert policy.notes == ()
    night = facts({"open": {"desk": False, "provider:acme": False}}, priority="P1")
    assert (choose(policy, night).to, choose(policy, night).how) == ("provider:bolt", "warm")
    remote = facts({"load": {"team:network": 1.6}}, category="network", title="VPN drops")
    assert choose(policy, remote).to == "provider:bolt"
