"""Sign-in: each scheme on the wire, tokens that end, rotate and are shared between workers."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from connectors.base import Context
from connectors.errors import Refused, Retry, Unauthorized
from connectors.prepare import base_of
from connectors.rest import Rest
from connectors.simulators.loopback import Request, Response
from tests.connectors.support import DESKLY, NOW, Kept, Scripted, context, deskly, ticket

OLD = 'auth:\n  token: {headers: {Authorization: "Bearer {secret.token}"}}\n'


def with_auth(text: str) -> str:
    assert OLD in DESKLY
    return DESKLY.replace(OLD, "auth:\n" + text)


OAUTH = with_auth(
    """  oauth:
    settings: {client_id: {type: text, label: "Client id"}}
    token:
      send: POST /token
      form: {grant_type: refresh_token, refresh_token: "{secret.refresh}", client_id: "{settings.client_id}"}
      basic: ["{settings.client_id}", "{secret.client}"]
      access: access_token
      lasts: expires_in
      rotate: {refresh: refresh_token}
    headers: {Authorization: "Bearer {token}"}
"""
)


@dataclass
class Issuer:
    """A desk with a token endpoint: each refresh token works once."""

    lasts: int = 3600
    refresh: str = "r0"
    access: str = ""
    renewals: int = 0
    seen: list[Mapping[str, list[str]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        with self.lock:
            if request.path == "/api/token":
                return self._token(request)
        if request.headers.get("authorization") != f"Bearer {self.access}" or not self.access:
            return Response.of({"message": "token expired"}, 401)
        return Response.of(ticket())

    def _token(self, request: Request) -> Response:
        form = parse_qs(request.body.decode())
        self.seen.append(form)
        if form["refresh_token"] != [self.refresh]:
            return Response.of({"message": "invalid_grant"}, 400)
        self.renewals += 1
        self.refresh, self.access = f"r{self.renewals}", f"a{self.renewals}"
        tokens = {"access_token": self.access, "refresh_token": self.refresh, "expires_in": self.lasts}
        return Response.of(tokens)


def oauth(desk: Scripted, refresh: str = "r0", **more: object) -> Rest:
    return deskly(
        desk.url,
        OAUTH,
        settings={"url": desk.url, "team": "x", "client_id": "me"},
        secrets={"refresh": refresh, "client": "c1ient"},
        auth="oauth",
        **more,
    )


def fetch(made: Rest, ctx: Context) -> None:
    made.fetch(ctx, "7", items=False)


def test_basic_and_headers() -> None:
    text = with_auth(
        '  basic: {basic: ["{settings.team}/token", "{secret.password}"]}\n'
        '  key: {headers: {X-Key: "{secret.key}", X-Team: "{settings.team}"}}\n'
    )
    with Scripted(lambda request: Response.of(ticket())) as desk:
        fetch(deskly(desk.url, text, secrets={"password": "pä"}, auth="basic"), context(desk.port))
        fetch(deskly(desk.url, text, secrets={"key": "k1"}, auth="key"), context(desk.port))
        one, two = (request.headers for request in desk.asked)
    assert base64.b64decode(one["authorization"].removeprefix("Basic ")) == "network/token:pä".encode()
    assert (two["x-key"], two["x-team"]) == ("k1", "network") and "authorization" not in two


def test_a_wrong_key_is_unauthorized_once() -> None:
    with Scripted(lambda request: Response.of({"message": "who?"}, 401)) as desk:
        with pytest.raises(Unauthorized):
            fetch(deskly(desk.url), context(desk.port))
        assert len(desk.asked) == 1


def test_a_token_is_fetched_once_and_what_it_rotates_is_kept_first() -> None:
    kept = Kept()
    with Scripted(Issuer()) as desk:
        made = oauth(desk)
        for _ in range(3):
            fetch(made, context(desk.port, kept=kept))
        assert [r.path for r in desk.asked] == ["/api/token", *["/api/tickets/7"] * 3]
        sent = desk.asked[0].headers["authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")) == b"me:c1ient"
    assert kept.order == ["secret.refresh", "token.access", "token.until"]
    assert (kept["secret.refresh"], kept["token.access"]) == ("r1", "a1")


def test_a_token_is_renewed_before_it_ends() -> None:
    issuer = Issuer(lasts=600)
    with Scripted(issuer) as desk:
        made = oauth(desk)
        for seconds, renewals in ((0, 1), (530, 1), (545, 2), (1000, 2)):
            fetch(made, context(desk.port, now=NOW + timedelta(seconds=seconds)))
            assert issuer.renewals == renewals
    assert [form["refresh_token"] for form in issuer.seen] == [["r0"], ["r1"]]


def test_a_401_renews_once_and_repeats_the_call() -> None:
    issuer = Issuer()
    with Scripted(issuer) as desk:
        made = oauth(desk)
        fetch(made, context(desk.port))
        issuer.access = "revoked"
        fetch(made, context(desk.port))
        assert issuer.renewals == 2


def test_a_desk_that_refuses_every_token_is_unauthorized_not_a_loop() -> None:
    def answer(request: Request) -> Response:
        if request.path == "/api/token":
            return Response.of({"access_token": "a", "expires_in": 60})
        return Response.of({}, 401)

    with Scripted(answer) as desk:
        with pytest.raises(Unauthorized):
            fetch(oauth(desk), context(desk.port))
        assert [r.path for r in desk.asked].count("/api/tickets/7") == 2


@pytest.mark.parametrize(
    ("status", "outcome"), [(400, Unauthorized), (401, Unauthorized), (403, Unauthorized), (503, Retry)]
)
def test_a_sign_in_that_fails(status: int, outcome: type[Exception]) -> None:
    with Scripted(lambda request: Response.of({"message": "invalid_grant"}, status)) as desk:
        with pytest.raises(outcome, match="invalid_grant"):
            oauth(desk).create(context(desk.port), {"title": "x"}, "TDM-1", "k")
        assert [r.path for r in desk.asked] == ["/api/token"]


def test_a_sign_in_without_a_token_in_it() -> None:
    with Scripted(lambda request: Response.of({"ok": True})) as desk, pytest.raises(Unauthorized, match="no token"):
        fetch(oauth(desk), context(desk.port))


@dataclass
class Shared:
    """What two workers share: the lock of the connection and what was kept."""

    kept: Kept = field(default_factory=Kept)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def __call__(self) -> Iterator[Mapping[str, str]]:
        with self.lock:
            yield dict(self.kept)


def test_two_workers_renew_once() -> None:
    shared, issuer = Shared(), Issuer()
    with Scripted(issuer) as desk:
        workers = [oauth(desk, renewal=shared) for _ in range(2)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda n: fetch(workers[n % 2], context(desk.port, kept=shared.kept)), range(64)))
        assert issuer.renewals == 1
        issuer.access = "revoked"
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda n: fetch(workers[n % 2], context(desk.port, kept=shared.kept)), range(64)))
        assert issuer.renewals == 2


def test_a_rotated_token_survives_a_kill_between_reply_and_use() -> None:
    """The process dies as soon as the rotated token is durable; the next one signs in with it."""
    shared, issuer = Shared(), Issuer()

    class Killed(Exception):
        pass

    class Dying(Kept):
        def __setitem__(self, name: str, value: str) -> None:
            shared.kept[name] = value
            raise Killed

    with Scripted(issuer) as desk:
        with pytest.raises(Killed):
            fetch(oauth(desk, renewal=shared), context(desk.port, kept=Dying()))
        assert dict(shared.kept) == {"secret.refresh": "r1"}
        fetch(oauth(desk, renewal=shared), context(desk.port, kept=shared.kept))
    assert issuer.renewals == 2


def test_a_new_process_takes_the_token_that_was_kept() -> None:
    shared, issuer = Shared(), Issuer()
    with Scripted(issuer) as desk:
        fetch(oauth(desk, renewal=shared), context(desk.port, kept=shared.kept))
        fetch(oauth(desk, renewal=shared), context(desk.port, kept=shared.kept))
        late = NOW + timedelta(hours=2)
        fetch(oauth(desk, renewal=shared), context(desk.port, kept=shared.kept, now=late))
    assert issuer.renewals == 2


def test_a_token_does_not_show_in_what_the_vendor_says() -> None:
    issuer = Issuer()

    def answer(request: Request) -> Response:
        reply = issuer(request)
        return (
            reply
            if request.path == "/api/token"
            else Response.of({"message": f"no {request.headers['authorization']}"}, 400)
        )

    with Scripted(answer) as desk:
        issuer.renewals = 1000  # a token long enough to be worth blanking
        with pytest.raises(Exception, match=r"no Bearer \*\*\*"):
            fetch(oauth(desk), context(desk.port))


def test_a_moved_desk_is_looked_up_again() -> None:
    """The base is what ``check`` found; after a refusal it is found anew, once, before anything is given up."""
    text = DESKLY.replace('base: "{settings.url}/api"', 'base: "{settings.url}/{found.code}"').replace(
        "{send: GET /me, take: {me: id}}", '{send: "GET {settings.url}/login", take: {me: id, code: code}}'
    )
    code = "v1"

    def answer(request: Request) -> Response:
        if request.path == "/login":
            return Response.of({"id": 5, "code": code})
        return Response.of(ticket()) if request.path.startswith(f"/{code}/") else Response.of({}, 404)

    kept = Kept()
    with Scripted(answer) as desk:
        made = deskly(desk.url, text)
        made.check(context(desk.port, kept=kept))
        fetch(made, context(desk.port, kept=kept))
        code = "v2"
        fetch(made, context(desk.port, kept=kept))
        assert kept["found.code"] == "v2"
        assert [r.path for r in desk.asked][-3:] == ["/v1/tickets/7", "/login", "/v2/tickets/7"]


@pytest.mark.parametrize(
    ("base", "values", "made"),
    [
        ("{settings.url}/{found.code}", {"found.code": "v4/apis"}, "https://own.example/v4/apis"),
        ("https://{found.zone}.desk.example/api", {"found.zone": "eu1"}, "https://eu1.desk.example/api"),
        (
            "https://{found.zone}.desk.example/api",
            {"found.zone": "evil.example/"},
            "https://evil.example%2F.desk.example/api",
        ),
        ("{found.url}", {"found.url": "https://eu.desk.example/"}, "https://eu.desk.example"),
        ("{found.url}", {"found.url": "https://evil.example"}, None),
        ("{found.url}", {"found.url": "http://eu.desk.example"}, None),
        ("{found.url}", {"found.url": "https://eu.desk.example.evil.example"}, None),
    ],
)
def test_where_a_found_base_may_lead(base: str, values: dict[str, str], made: str | None) -> None:
    names = {"settings.url": "https://own.example", **values}
    if made is None:
        with pytest.raises(Refused, match="another host"):
            base_of(base, names, frozenset({"settings.url"}), ("*.desk.example",))
    else:
        assert base_of(base, names, frozenset({"settings.url"}), ("*.desk.example",)) == made
