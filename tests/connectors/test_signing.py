"""The one verifier: published and recomputed vectors, Standard Webhooks in both directions, and every single bit."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Arrival
from connectors.errors import Unverified
from connectors.signing import sign, verify
from tests.connectors.support import FIXTURES, NOW

VECTORS = json.loads((FIXTURES / "signatures.json").read_text("utf-8"))
PLAIN = {"hmac": {"header": "X-Sig", "prefix": "sha256=", "hash": "sha256", "encoding": "hex", "message": ["body"]}}
STAMPED = {
    "hmac": {
        "header": "X-Sig",
        "hash": "sha256",
        "encoding": "base64",
        "message": ["header:X-Stamp", ".", "body"],
    },
    "stamp": {"at": "header:X-Stamp", "format": "unix", "window": "5m"},
}
STANDARD = {
    "hmac": {
        "header": "webhook-signature",
        "prefix": "v1,",
        "hash": "sha256",
        "encoding": "base64",
        "key": "base64",
        "message": ["header:webhook-id", ".", "header:webhook-timestamp", ".", "body"],
    },
    "stamp": {"at": "header:webhook-timestamp", "format": "unix", "window": "5m"},
}
STAMP = str(int(NOW.timestamp()))


def arrival(body: bytes, headers: dict[str, str]) -> Arrival:
    return Arrival("POST", {}, headers, body)


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{v['vendor']}-{i}" for i, v in enumerate(VECTORS)])
def test_vendor_vectors(vector: dict[str, Any]) -> None:
    """Bodies signed by the vendors' own code or recipe verify, in any header case, and change with their secret."""
    scheme, secrets = {"hmac": vector["scheme"]}, {"webhook": vector["secret"]}
    headers = {key.lower(): value for key, value in vector["headers"].items()}
    assert verify(scheme, arrival(vector["body"].encode(), headers), NOW, secrets).secret == "webhook"
    assert verify(scheme, arrival(vector["body"].encode(), vector["headers"]), NOW, secrets).secret == "webhook"
    with pytest.raises(Unverified):
        verify(scheme, arrival(vector["body"].encode(), headers), NOW, {"webhook": vector["secret"] + "x"})


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{v['vendor']}-{i}" for i, v in enumerate(VECTORS)])
def test_sign_makes_what_the_vendor_made(vector: dict[str, Any]) -> None:
    header = vector["scheme"]["header"]
    made = sign({"hmac": vector["scheme"]}, vector["body"].encode(), vector["secret"], vector["headers"])
    assert made[header] == vector["headers"][header]


def test_standard_webhooks_example() -> None:
    """The example of the Standard Webhooks specification (standard-webhooks/spec, "Signature scheme")."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secrets = {"webhook": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    sent = datetime.fromtimestamp(1614265330, UTC)
    body = b'{"test": 2432232314}'
    proved = verify(STANDARD, arrival(body, headers), sent, secrets, "header:webhook-id")
    assert proved.delivery == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert proved.stamp == sent
    assert sign(STANDARD, body, secrets["webhook"], headers)["webhook-signature"] == headers["webhook-signature"]


def test_several_signatures_any_may_fit() -> None:
    made = sign(STANDARD, b"{}", base64.b64encode(b"k" * 24).decode(), {"webhook-id": "m", "webhook-timestamp": STAMP})
    made["webhook-signature"] = f"v1a,xyz v1,bm9wZQ== {made['webhook-signature']}"
    secrets = {"webhook": base64.b64encode(b"k" * 24).decode()}
    assert verify(STANDARD, arrival(b"{}", made), NOW, secrets).stamp == NOW


def test_two_secrets_during_rotation() -> None:
    made = sign(PLAIN, b"{}", "old", {})
    secrets = {"webhook": "new", "webhook.previous": "old"}
    assert verify(PLAIN, arrival(b"{}", made), NOW, secrets).secret == "webhook.previous"
    assert verify(PLAIN, arrival(b"{}", sign(PLAIN, b"{}", "new", {})), NOW, secrets).secret == "webhook"
    with pytest.raises(Unverified):
        verify(PLAIN, arrival(b"{}", made), NOW, {"webhook": "new"})


@pytest.mark.parametrize("seconds", [-301, 301, 86400, -86400])
def test_a_stamp_outside_its_window(seconds: int) -> None:
    stamp = str(int((NOW + timedelta(seconds=seconds)).timestamp()))
    made = sign(STAMPED, b"{}", "k", {"X-Stamp": stamp})
    with pytest.raises(Unverified, match="window"):
        verify(STAMPED, arrival(b"{}", made), NOW, {"webhook": "k"})


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_stamp_inside_its_window(seconds: int) -> None:
    moment = NOW + timedelta(seconds=seconds)
    made = sign(STAMPED, b"{}", "k", {"X-Stamp": str(int(moment.timestamp()))})
    assert verify(STAMPED, arrival(b"{}", made), NOW, {"webhook": "k"}).stamp == moment


def test_a_shared_value() -> None:
    scheme = {"shared": {"header": "Authorization", "value": "Bearer {secret.webhook}"}}
    secrets = {"webhook": "topsecret", "webhook.previous": "older"}
    assert verify(scheme, arrival(b"", {"authorization": "Bearer topsecret"}), NOW, secrets).secret == "webhook"
    assert verify(scheme, arrival(b"", sign(scheme, b"", "older", {})), NOW, secrets).secret == "webhook.previous"
    for wrong in ("topsecret", "bearer topsecret", "Bearer topsecret ", "Bearer ", ""):
        with pytest.raises(Unverified):
            verify(scheme, arrival(b"", {"authorization": wrong}), NOW, secrets)


def test_both_proofs_are_needed_where_a_scheme_has_two() -> None:
    scheme = {**PLAIN, "shared": {"header": "X-Key", "value": "{secret.webhook}"}}
    both = {**sign(PLAIN, b"{}", "k", {}), "X-Key": "k"}
    assert verify(scheme, arrival(b"{}", both), NOW, {"webhook": "k"}).secret == "webhook"
    for header in both:
        with pytest.raises(Unverified):
            verify(scheme, arrival(b"{}", {**both, header: "no"}), NOW, {"webhook": "k"})


def test_a_header_that_is_not_there_is_named() -> None:
    for scheme in (PLAIN, {"shared": {"header": "X-Key", "value": "{secret.webhook}"}}):
        header = scheme.get("hmac", scheme.get("shared"))["header"]
        with pytest.raises(Unverified, match=f"there is no header {header}"):
            verify(scheme, arrival(b"{}", {}), NOW, {"webhook": "k"})


@pytest.mark.parametrize("secrets", [{}, {"webhook": ""}, {"webhook": "", "webhook.previous": ""}])
def test_no_secret_verifies_nothing(secrets: dict[str, str]) -> None:
    empty = "sha256=" + hmac.new(b"", b"{}", "sha256").hexdigest()
    with pytest.raises(Unverified):
        verify(PLAIN, arrival(b"{}", {"x-sig": empty}), NOW, secrets)
    with pytest.raises(Unverified):
        verify({}, arrival(b"{}", {}), NOW, secrets)


def flipped(data: bytes) -> list[bytes]:
    """Every variation of ``data`` in one bit."""
    return [data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :] for at in range(len(data)) for bit in range(8)]


def refused(scheme: dict[str, Any], body: bytes, headers: dict[str, str], secret: str) -> bool:
    try:
        verify(scheme, arrival(body, headers), NOW, {"webhook": secret})
    except Unverified:
        return True
    return False


def test_every_single_bit_of_body_header_stamp_and_key() -> None:
    body, secret = b'{"ticket": {"id": 77}}', "s3cr3t"
    headers = sign(STAMPED, body, secret, {"X-Stamp": STAMP})
    assert not refused(STAMPED, body, headers, secret)
    assert all(refused(STAMPED, other, headers, secret) for other in flipped(body))
    for name, value in headers.items():
        for other in flipped(value.encode()):
            assert refused(STAMPED, body, {**headers, name: other.decode("latin-1")}, secret)
    assert all(refused(STAMPED, body, headers, other.decode("latin-1")) for other in flipped(secret.encode()))


@settings(max_examples=200)
@given(
    body=st.binary(max_size=60),
    headers=st.dictionaries(
        st.sampled_from(["x-sig", "x-stamp", "webhook-id", "webhook-timestamp", "webhook-signature"]),
        st.text(max_size=60),
    ),
    secret=st.text(max_size=20),
    scheme=st.sampled_from([PLAIN, STAMPED, STANDARD]),
)
def test_nothing_but_unverified_comes_of_garbage(
    body: bytes, headers: dict[str, str], secret: str, scheme: dict[str, Any]
) -> None:
    assert refused(scheme, body, headers, secret)


def test_a_secret_that_is_no_key_says_nothing_of_the_one_before_it() -> None:
    stamp = {"webhook-id": "m1", "webhook-timestamp": STAMP}
    signed = arrival(b"{}", sign(STANDARD, b"{}", "whsec_c2VjcmV0", stamp))
    both = {"webhook": "no key: äöü", "webhook.previous": "whsec_c2VjcmV0"}
    assert verify(STANDARD, signed, NOW, both).secret == "webhook.previous"
    with pytest.raises(Unverified):
        verify(STANDARD, signed, NOW, {"webhook": "no key: äöü"})
