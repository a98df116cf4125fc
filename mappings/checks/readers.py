"""Checks of who may read what: comments, files, the share policy (M080 to M091)."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.checks.facts import Facts
from mappings.loader import Node
from mappings.model import Complaint
from mappings.schema import AUDIENCES, audience

BOTH = AUDIENCES["provider+requester"]


def _comments(facts: Facts, *path: str) -> Node:
    return facts.root.get("comments", *path) or facts.root.get("comments") or facts.root


def m080(facts: Facts) -> Iterator[Complaint]:
    """No channel reaches beyond the audience it is given to."""
    for readers, channel in facts.found.outward.items():
        reaches = facts.found.reaches.get(channel or "", frozenset())
        if channel is not None and not reaches <= readers:
            word = next(word for word, meant in AUDIENCES.items() if meant == readers)
            node = _comments(facts, "outward", word)
            yield node.complain("M080", f"{channel} reaches the {' and the '.join(sorted(reaches - readers))} too")


def m081(facts: Facts) -> Iterator[Complaint]:
    """Every audience has a channel or is ignored, every channel an audience."""
    for word, readers in AUDIENCES.items():
        if readers not in facts.found.outward:
            yield _comments(facts, "outward").complain("M081", f"no channel for {word}", key=True)
    for channel in facts.remote.channels:
        if channel not in facts.found.inward:
            yield _comments(facts, "inward").complain("M081", f"no audience for {channel}", key=True)


def m082(facts: Facts) -> Iterator[Complaint]:
    """Whom a channel reaches is said, and not less than the manifest says."""
    for name, channel in facts.remote.channels.items():
        said = facts.root.get("comments", "reaches", name)
        if said is None and not channel.reaches:
            yield _comments(facts, "reaches").complain("M082", f"nobody says whom {name} reaches", key=True)
        elif said is not None and not channel.reaches <= (audience(said.text or "") or frozenset()):
            yield said.complain("M082", f"{name} reaches the {' and the '.join(sorted(channel.reaches))}")


def m083(facts: Facts) -> Iterator[Complaint]:
    """What is internal there stays between them and us."""
    for name, readers in facts.found.inward.items():
        if facts.remote.channels[name].internal and readers == BOTH:
            yield _comments(facts, "inward", name).complain("M083", f"{name} is internal there")


def m084(facts: Facts) -> Iterator[Complaint]:
    """Files that hang on the record reach whom they reach."""
    if not _on_record(facts):
        return
    said = audience(facts.found.attachments.get("reaches") or "") or frozenset()
    if not facts.remote.attachment_reaches <= said:
        node = facts.root.get("attachments", "reaches") or facts.root.get("attachments") or facts.root
        who = " and the ".join(sorted(facts.remote.attachment_reaches))
        yield node.complain("M084", f"a file on the record reaches the {who}")


def m085(facts: Facts) -> Iterator[Complaint]:
    """Files of provider-only notes stay here."""
    if _on_record(facts) and audience(facts.found.attachments.get("reaches") or "") == BOTH:
        node = facts.root.get("attachments") or facts.root
        yield node.complain("M085", "files of notes for the provider alone do not travel", key=True)


def _on_record(facts: Facts) -> bool:
    return facts.remote.shown_with == "record" and facts.found.attachments["direction"] in ("out", "both")


def m090(facts: Facts) -> Iterator[Complaint]:
    """A mapped field the policy withholds is never sent."""
    for rule in facts.rules if facts.policy is not None else ():
        if rule.outward and facts.policy is not None and not facts.policy.allows(rule.name):
            yield rule.node.complain("M090", f"{facts.policy.provider}'s policy withholds {rule.name}", key=True)


def m091(facts: Facts) -> Iterator[Complaint]:
    """An expression uses only what the policy allows."""
    for rule in facts.rules if facts.policy is not None else ():
        withheld = [name for name in facts.built[rule.name].rule.uses if facts.policy and not facts.policy.allows(name)]
        if withheld and facts.policy is not None:
            cause = f"{rule.name} uses {', '.join(withheld)}, which {facts.policy.provider}'s policy withholds"
            yield rule.at("expr").complain("M091", cause)
