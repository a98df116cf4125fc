"""The one verifier of webhook signatures, told by a manifest's scheme, and its mirror ``sign`` for whoever sends.

A scheme says header, prefix, hash, encoding, how the key is made of the shared secret, and which parts the message is
joined from; a stamp bounds replay. A header may carry several signatures (Standard Webhooks), and two secrets count
while one replaces the other (``webhook`` and ``webhook.previous``). Whatever goes wrong is ``Unverified``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors import paths
from connectors.base import Arrival, Verified
from connectors.errors import Unverified
from connectors.paths import plain
from connectors.schema import seconds
from connectors.templates import parse
from connectors.values import Times

SECRET = "webhook"  # noqa: S105 - its name, not its value
PREVIOUS = ".previous"


def verify(
    scheme: Mapping[str, Any], arrival: Arrival, now: datetime, secrets: Mapping[str, str], delivery: str | None = None
) -> Verified:
    """``arrival`` proved by ``scheme``. ``delivery`` is the source of the sender's own id. Raises ``Unverified``."""
    try:
        return _verify(scheme, arrival, now, secrets, delivery)
    except Unverified:
        raise
    except Exception as error:  # a door must not tell a broken header from a wrong one, nor fall over it
        raise Unverified(f"{type(error).__name__} while verifying") from error


def sign(scheme: Mapping[str, Any], body: bytes, secret: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that prove ``body``: those given (stamp, delivery id), and the signature or shared value."""
    if "shared" in scheme:
        shared = scheme["shared"]
        return {**headers, shared["header"]: parse(shared["value"]).text({f"secret.{SECRET}": secret})}
    spec = scheme["hmac"]
    lower = {key.lower(): value for key, value in headers.items()}
    return {**headers, spec["header"]: spec.get("prefix", "") + signature(spec, secret, body, lower)}


def signature(spec: Mapping[str, Any], secret: str, body: bytes, headers: Mapping[str, str]) -> str:
    """The signature itself; ``headers`` by lower-case name."""
    message = b"".join(_part(part, body, headers) for part in spec["message"])
    digest = hmac.new(_key(spec.get("key", "text"), secret), message, spec["hash"]).digest()
    return digest.hex() if spec["encoding"] == "hex" else base64.b64encode(digest).decode("ascii")


def _part(part: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    if part == "body":
        return body
    kind, colon, name = part.partition(":")
    return headers[name.lower()].encode("latin-1") if colon and kind == "header" else part.encode()


def _key(kind: str, secret: str) -> bytes:
    if kind == "sha256":
        return hashlib.sha256(secret.encode()).digest()
    if kind == "base64":
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    return secret.encode()


def _verify(
    scheme: Mapping[str, Any], arrival: Arrival, now: datetime, secrets: Mapping[str, str], delivery: str | None
) -> Verified:
    headers = {key.lower(): value for key, value in arrival.headers.items()}
    proofs = [_by_hmac(scheme["hmac"], arrival.body, headers, secrets)] if "hmac" in scheme else []
    proofs += [_by_value(scheme["shared"], headers, secrets)] if "shared" in scheme else []
    proved = proofs[0] if proofs and all(proofs) else None
    if proved is None:
        raise Unverified("the signature does not fit")
    told = (scheme.get("stamp", {}).get("at"), delivery)
    inside = any(source and not source.startswith("header:") for source in told)
    reply = paths.Reply(_document(arrival.body) if inside else None, headers)
    stamp = _in_time(scheme["stamp"], reply, now) if "stamp" in scheme else None
    return Verified(plain(paths.source(delivery, reply)) if delivery else None, stamp, proved)


def _by_hmac(
    spec: Mapping[str, Any], body: bytes, headers: Mapping[str, str], secrets: Mapping[str, str]
) -> str | None:
    prefix = spec.get("prefix", "")
    shown = _header(spec["header"], headers).split()
    given = [text.removeprefix(prefix).encode() for text in shown if text.startswith(prefix)]
    for name, secret in _candidates(SECRET, secrets):
        try:
            wanted = signature(spec, secret, body, headers).encode()
        except ValueError:  # a secret that is no key says nothing of the one before it
            continue
        if any(hmac.compare_digest(each, wanted) for each in given):
            return name
    return None


def _by_value(spec: Mapping[str, Any], headers: Mapping[str, str], secrets: Mapping[str, str]) -> str | None:
    shown = _header(spec["header"], headers).encode()
    template = parse(spec["value"])
    (place,) = template.names
    for name, secret in _candidates(place.removeprefix("secret."), secrets):
        if hmac.compare_digest(shown, template.text({place: secret}).encode()):
            return name
    return None


def _header(name: str, headers: Mapping[str, str]) -> str:
    if name.lower() not in headers:
        raise Unverified(f"there is no header {name}")
    return headers[name.lower()]


def _candidates(name: str, secrets: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for each in (name, name + PREVIOUS):
        if secrets.get(each):
            yield each, secrets[each]


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _in_time(spec: Mapping[str, Any], reply: paths.Reply, now: datetime) -> datetime:
    moment = Times(spec["format"]).read(paths.source(spec["at"], reply))
    if moment is None or abs((now - moment).total_seconds()) > seconds(spec["window"]):
        raise Unverified("the stamp is outside its window")
    return moment
