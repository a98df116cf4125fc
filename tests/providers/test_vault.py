"""Sealed secrets: they open in their place with their key, and nowhere else."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from gateway.providers.vault import Secret, Vault, VaultError, place, renew_all
from gateway.store import tables
from gateway.store.db import Store
from gateway.store.ids import mint

OLD, NEW = bytes(32), bytes([1]) * 32
HERE = place("acme", "key")


@given(st.text())
def test_a_sealed_text_opens_in_its_place(text: str) -> None:
    vault = Vault.of(OLD)
    sealed = (
        vault.seal(text, HERE) if text.isprintable() else vault.seal(text.encode("utf-8", "replace").decode(), HERE)
    )
    assert sealed.isascii()
    assert vault.open(sealed, HERE).reveal() == text.encode("utf-8", "replace").decode()


def test_the_same_text_is_never_sealed_the_same() -> None:
    vault = Vault.of(OLD)
    assert vault.seal("x", HERE) != vault.seal("x", HERE)


@pytest.mark.parametrize("elsewhere", [place("other", "key"), place("acme", "webhook"), ""])
def test_a_value_moved_to_another_place_does_not_open(elsewhere: str) -> None:
    vault = Vault.of(OLD)
    with pytest.raises(VaultError, match="does not open"):
        vault.open(vault.seal("hush", HERE), elsewhere)


def test_a_changed_value_does_not_open_and_says_nothing_of_itself() -> None:
    vault = Vault.of(OLD)
    sealed = vault.seal("hush", HERE)
    for broken in (sealed[:-4] + "AAAA", sealed[:-1], sealed[:20], sealed + "é", "s1.", "", "hush"):
        with pytest.raises(VaultError) as caught:
            vault.open(broken, HERE)
        assert "hush" not in str(caught.value) and sealed[20:] not in str(caught.value)


def test_without_its_key_a_value_names_the_key_as_the_reason() -> None:
    with pytest.raises(VaultError, match="a key that is not here"):
        Vault.of(NEW).open(Vault.of(OLD).seal("hush", HERE), HERE)


def test_old_and_new_keys_open_side_by_side_and_the_new_one_seals() -> None:
    both = Vault.of(NEW, OLD)
    old = Vault.of(OLD).seal("hush", HERE)
    renewed = both.renew(old, HERE)
    assert both.stale(old) and not both.stale(renewed)
    assert both.renew(renewed, HERE) == renewed
    assert Vault.of(NEW).open(renewed, HERE) == Secret("hush")


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hush")
    for shown in (repr(secret), str(secret), f"{secret}", repr({"key": secret}), repr([secret])):
        assert "hush" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert secret == Secret("hush") and secret != Secret("other") and secret != "hush"


def connections(store: Store, vault: Vault, count: int) -> None:
    with store.write() as conn:
        provider, mapping = mint(), mint()
        conn.execute(insert(tables.provider).values(id=provider, slug="acme", name="Acme", created_at=1))
        conn.execute(insert(tables.document).values(id=mapping, kind="mapping", name="m", text="", created_at=1))
        for n in range(count):
            name = f"acme-{n}"
            sealed = {field: vault.seal(f"{field} {n}", place(name, field)) for field in ("key", "webhook")}
            conn.execute(
                insert(tables.connection).values(
                    id=mint(), name=name, kind="memory", provider_id=provider, auth="", mapping_id=mapping,
                    secrets=json.dumps(sealed), poll_every=1, created_at=1,
                )
            )  # fmt: skip


def opened(store: Store, vault: Vault) -> set[str]:
    with store.read() as conn:
        rows = conn.execute(select(tables.connection.c.name, tables.connection.c.secrets)).all()
    return {vault.open(s, place(row.name, f)).reveal() for row in rows for f, s in json.loads(row.secrets).items()}


def test_a_rotation_that_stopped_in_the_middle_goes_on_where_it_was(
    bare_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections(bare_store, Vault.of(OLD), 3)
    both = Vault.of(NEW, OLD)
    expected = opened(bare_store, both)
    seal, sealed = Vault.seal, iter(range(100))

    def dies(vault: Vault, text: str, aad: str) -> str:
        if next(sealed) == 3:
            raise KeyboardInterrupt
        return seal(vault, text, aad)

    monkeypatch.setattr(Vault, "seal", dies)
    with pytest.raises(KeyboardInterrupt):
        renew_all(bare_store, both)
    assert opened(bare_store, both) == expected
    monkeypatch.undo()
    assert renew_all(bare_store, both) == 2
    assert renew_all(bare_store, both) == 0
    assert opened(bare_store, Vault.of(NEW)) == expected and len(expected) == 6


def test_a_ciphertext_copied_to_another_row_does_not_open(bare_store: Store) -> None:
    vault = Vault.of(OLD)
    connections(bare_store, vault, 2)
    c = tables.connection.c
    with bare_store.write() as conn:
        stolen = conn.scalar(select(c.secrets).where(c.name == "acme-0"))
        conn.execute(update(tables.connection).where(c.name == "acme-1").values(secrets=stolen))
    with pytest.raises(VaultError, match="acme-1/key"):
        opened(bare_store, vault)
