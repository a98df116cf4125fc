"""The store of versions and drafts, on both databases: numbered, kept, never twice, and nobody's work is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, insert, select

from gateway.config import Config
from gateway.errors import Changed, Conflict, NotFound, TandemError
from gateway.journal.chain import Key
from gateway.people.users import By
from gateway.providers import policies, versions
from gateway.providers.versions import New, Version
from gateway.store import tables
from gateway.store.db import Store


@pytest.fixture
def key(config: Config) -> Key:
    return Key.of(config.key("audit"))


def by(key: Key, actor: str = "user:1", at: int = 1_780_000_000_000_000) -> By:
    return By(actor, key, at)


def published(store: Store, key: Key, text: str, expect: int | None = None, **more: str) -> Version:
    with store.write() as conn:
        return versions.publish(conn, by(key), New("mapping", "town", text, "because", **more), expect)


def everything(store: Store) -> list[Version]:
    with store.read() as conn:
        return versions.history(conn, "mapping", "town")


def test_versions_are_numbered_and_every_one_is_kept(store: Store, key: Key) -> None:
    first = published(store, key, "one", parent="memory@1", effective='{"a":1}', catalogue="c")
    published(store, key, "two")
    found = everything(store)
    assert [(one.number, one.text, one.label) for one in found] == [(2, "two", "town@2"), (1, "one", "town@1")]
    assert found[1] == first
    assert (first.parent, first.effective, first.catalogue, first.author) == ("memory@1", '{"a":1}', "c", "user:1")
    assert first.hash == versions.digest('{"a":1}')
    with store.read() as conn:
        assert versions.find(conn, "mapping", "town", 1) == versions.by_id(conn, first.id) == first
        with pytest.raises(NotFound, match="There are 1 to 2"):
            versions.find(conn, "mapping", "town", 3)
        with pytest.raises(NotFound, match="memory"):
            versions.find(conn, "mapping", "twon")


def test_the_newest_text_is_not_stored_twice_but_an_older_one_may_come_back(store: Store, key: Key) -> None:
    published(store, key, "one")
    with pytest.raises(Conflict, match="in force already"):
        published(store, key, "one")
    published(store, key, "two")
    assert published(store, key, "one").number == 3
    assert published(store, key, "one", parent="memory@2").number == 4, "another parent makes another mapping"


def test_who_compared_with_an_older_version_is_told_who_was_faster(store: Store, key: Key) -> None:
    published(store, key, "one", 0)
    with pytest.raises(Conflict, match="user:1 has published town@1 meanwhile: because"):
        published(store, key, "two", 0)
    assert published(store, key, "two", 1).number == 2


def test_two_who_publish_at_once_get_a_number_and_a_conflict(store: Store, key: Key) -> None:
    start = Barrier(2)

    def one(text: str) -> str:
        start.wait()
        try:
            return published(store, key, text, 0).label
        except Conflict as no:
            return no.title

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(one, ["a", "b"]), key=len)
    assert said[0] == "town@1"
    assert "published" in said[1]
    assert len(everything(store)) == 1


def test_who_publishes_while_another_does_is_refused_by_the_database_too(store: Store, key: Key) -> None:
    """The other's version is not to be seen yet when the number is chosen."""
    if store.dialect == "sqlite":
        pytest.skip("SQLite lets one write at a time")
    with ThreadPoolExecutor(1) as pool, store.write() as conn:
        versions.publish(conn, by(key), New("mapping", "town", "a", "x"), 0)
        other = pool.submit(published, store, key, "b", 0)
        with pytest.raises(TimeoutError):
            other.result(0.5)
        conn.commit()
        assert isinstance(other.exception(10), Conflict)
    assert [one.text for one in everything(store)] == ["a"]


def test_a_draft_is_edited_under_its_etag(store: Store, key: Key) -> None:
    with store.write() as conn:
        first = versions.save(conn, by(key), "mapping", "town", "one", None)
        assert versions.draft(conn, "mapping", "town") == first
    with store.write() as conn:
        second = versions.save(conn, by(key, "user:2"), "mapping", "town", "two", first.etag)
    for stale in (first.etag, None):
        with store.write() as conn, pytest.raises(Changed, match=r"user:2 has edited the draft of town at 2026-"):
            versions.save(conn, by(key), "mapping", "town", "mine", stale)
    with store.read() as conn:
        assert versions.draft(conn, "mapping", "town") == second
        assert everything(store) == [], "a draft is no version"
        assert [one.name for one in versions.drafts(conn, "mapping")] == ["town"]
    with store.write() as conn, pytest.raises(Changed):
        versions.discard(conn, "mapping", "town", first.etag)
    with store.write() as conn:
        versions.discard(conn, "mapping", "town", second.etag)
    with store.write() as conn:
        with pytest.raises(NotFound):
            versions.discard(conn, "mapping", "town")
        with pytest.raises(Changed, match="meanwhile"):
            versions.save(conn, by(key), "mapping", "town", "x", second.etag)


def test_two_first_drafts_at_once_are_one_draft_and_one_refusal(store: Store, key: Key) -> None:
    start = Barrier(2)

    def one(text: str) -> str:
        start.wait()
        try:
            with store.write() as conn:
                return versions.save(conn, by(key), "mapping", "town", text, None).text
        except Changed as no:
            return no.title

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(one, ["a", "b"]))
    assert sum("has edited" in one for one in said) == 1
    with store.read() as conn:
        d = tables.document.c
        assert conn.scalar(select(func.count()).where(d.version.is_(None))) == 1


def test_a_draft_ends_when_its_text_is_published_and_not_before(store: Store, key: Key) -> None:
    with store.write() as conn:
        versions.save(conn, by(key), "mapping", "town", "one", None)
    published(store, key, "other")
    with store.read() as conn:
        assert versions.draft(conn, "mapping", "town") is not None
    published(store, key, "one")
    with store.read() as conn:
        assert versions.draft(conn, "mapping", "town") is None


def test_policies_are_versions_of_the_same_store(store: Store, key: Key) -> None:
    with store.write() as conn:
        conn.execute(insert(tables.provider).values(id=1, slug="acme", name="Acme", created_at=1))
        text = "share: 1\nprovider: acme\nfields: [title]\naudiences: [provider]\n"
        made = policies.publish(conn, by(key), policies.read(conn, text), "their contract")
        assert (made.title, made.label, made.kind, made.name) == ("share:acme", "share:acme@1", "share", "acme")
        assert versions.find(conn, "share", "acme") == policies.version(conn, "share:acme") == made
        told, changes = policies.compared(conn, policies.read(conn, text.replace("title", "title, due")))
        assert changes == ["+ due"]
        assert "-fields: [title]\n+fields: [title, due]" in told


def test_a_diff_is_unified_and_empty_for_the_same() -> None:
    assert versions.diff("a\nb\n", "a\nb\n") == ""
    assert versions.diff("a\nb\n", "a\nc\n", ("town@1", "draft")).splitlines() == [
        *("--- town@1", "+++ draft", "@@ -1,2 +1,2 @@", " a", "-b", "+c"),
    ]  # fmt: skip


def test_every_refusal_can_be_answered(store: Store, key: Key) -> None:
    published(store, key, "one")
    with pytest.raises(TandemError) as no:
        published(store, key, "one")
    assert no.value.problem()["status"] == 409
