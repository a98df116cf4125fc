"""What one provider may see: an allow-list, and nothing where there is none."""

import pytest

from mappings.model import MappingError
from mappings.share import NOTHING, compile_share
from tests.mappings import support

PROVIDER, BOTH = frozenset({"provider"}), frozenset({"provider", "requester"})
ACME = compile_share(support.source("acme.share"), support.VOCABULARY)


def test_fields_leave_only_when_listed() -> None:
    assert ACME.provider == "acme"
    assert ACME.allows("title")
    assert not ACME.allows("service")
    assert not ACME.allows("custom.provider_group")
    assert not ACME.worklogs


def test_a_person_leaves_by_attribute() -> None:
    person = {"email": "a@b.example", "name": "Alice", "login": "alice", "id": "7"}
    assert ACME.allows("requester")
    assert ACME.allows("requester.email")
    assert not ACME.allows("requester.login")
    assert ACME.narrow("requester", person) == {"email": "a@b.example", "name": "Alice"}
    assert ACME.narrow("assignee", person) == person
    assert ACME.narrow("requester", {"login": "alice"}) is None
    assert ACME.narrow("service", "ERP") is None


def test_audiences_and_files() -> None:
    assert ACME.allows_audience(PROVIDER)
    assert not ACME.allows_audience(frozenset())
    assert ACME.allows_file(10_000_000, "image/png")
    assert not ACME.allows_file(10_000_001, "image/png")
    images = compile_share("share: 1\nprovider: a\nfields: []\nattachments: {types: [image/*]}", support.VOCABULARY)
    assert images.allows_file(1, "IMAGE/PNG")
    assert not images.allows_file(1, "text/html")


def test_what_is_not_said_does_not_leave() -> None:
    bare = compile_share("share: 1\nprovider: a\nfields: [title]", support.VOCABULARY)
    for policy in (bare, NOTHING):
        assert not policy.allows_audience(PROVIDER)
        assert not policy.allows_file(0, "text/plain")
        assert not policy.worklogs
    assert not NOTHING.allows("title")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("share: 1", "share: 2"), "M003"),
        (("fields: [title", "fields: [titel"), "M010"),
        (("requester.email", "requester.phone"), "M010"),
        (("provider: acme", "providr: acme"), "M002"),
        (("audiences: [provider", "audiences: [team"), "M003"),
        (("max: 10 MB", "max: lots"), "M003"),
        (("worklogs: false", "worklogs: maybe"), "M003"),
        (("max: 10 MB", "largest: 10 MB"), "M002"),
        (('types: ["*/*"]', "types: image"), "M003"),
    ],
)
def test_a_wrong_policy_is_refused(change: tuple[str, str], code: str) -> None:
    text = support.source("acme.share")
    assert change[0] in text
    with pytest.raises(MappingError) as caught:
        compile_share(text.replace(*change), support.VOCABULARY)
    assert code in {told.code for told in caught.value.complaints}
