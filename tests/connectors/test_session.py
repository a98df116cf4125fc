"""The guarded session, on real sockets: what ``responses`` would not run."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests import PreparedRequest
from requests.structures import CaseInsensitiveDict

from connectors import transport as module
from connectors.egress import Egress, EgressRefused
from connectors.session import Broken, Session, TooLarge
from connectors.simulators.loopback import Response
from connectors.transport import NotSent
from tests.connectors.support import Scripted

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def request(url: str, method: str = "GET", body: bytes | None = None) -> PreparedRequest:
    prepared = PreparedRequest()
    headers = {"Content-Length": str(len(body))} if body is not None else {}
    prepared.method, prepared.url, prepared.headers, prepared.body = method, url, CaseInsensitiveDict(headers), body
    prepared.hooks = {"response": []}
    return prepared


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server of bytes: ``serve`` gets each connection after its first request head has been read."""
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    if b"\r\n\r\n" in data:
                        serve(connection)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def session(port: int, **more: Any) -> Session:
    return Session(Egress.parse(f"127.0.0.1:{port}"), **more)


def test_a_reply_comes_back_whole() -> None:
    with raw_server(lambda c: c.sendall(OK)) as port:
        answer = session(port).send(request(f"http://127.0.0.1:{port}/x"), seconds=5)
    assert (answer.status, answer.body) == (200, b"{}")


def test_an_address_that_is_not_allowed_is_never_connected() -> None:
    reached: list[int] = []
    with raw_server(lambda c: reached.append(1)) as port, pytest.raises(EgressRefused):
        Session(Egress()).send(request(f"http://127.0.0.1:{port}/"), seconds=5)
    assert not reached


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "[::1]", "0"])
def test_other_spellings_of_this_machine_are_refused_too(host: str) -> None:
    with pytest.raises((EgressRefused, NotSent)):
        Session(Egress()).send(request(f"http://{host}:9/"), seconds=2)


def test_the_checked_address_is_the_one_connected_though_the_name_changes() -> None:
    """Rebinding: the second look-up of the name would give another address, and there is none."""
    looked: list[str] = []

    def resolve(name: str, port: int, **_: Any) -> list[Any]:
        looked.append(name)
        address = "127.0.0.1" if len(looked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with raw_server(lambda c: c.sendall(OK)) as port:
        guarded = Session(Egress.parse(f"desk.test:{port}"), resolve=resolve)
        assert guarded.send(request(f"http://desk.test:{port}/"), seconds=5).status == 200
    assert looked == ["desk.test"]


def test_one_bad_address_among_good_ones_refuses_the_name() -> None:
    def resolve(name: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in ("93.184.216.34", "10.0.0.1")]

    with pytest.raises(EgressRefused, match=r"10\.0\.0\.1"):
        Session(Egress(), resolve=resolve).send(request("https://desk.test/"), seconds=5)


def test_plain_http_goes_to_this_machine_alone() -> None:
    def resolve(name: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]

    with pytest.raises(EgressRefused, match="https"):
        Session(Egress(), resolve=resolve).send(request("http://desk.test/"), seconds=5)


def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with raw_server(lambda c: c.sendall(OK)) as port:
        assert session(port).send(request(f"http://127.0.0.1:{port}/"), seconds=5).status == 200


def test_nothing_listens_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotSent):
        session(port).send(request(f"http://127.0.0.1:{port}/"), seconds=2)


def test_a_name_that_does_not_resolve_is_not_sent() -> None:
    with pytest.raises(NotSent):
        Session(Egress()).send(request("https://no-such-name.invalid/"), seconds=2)


def test_an_address_that_is_none_is_refused() -> None:
    for url in ("https://evil%2fhost.example/", "https://[::1/", "https://a b/"):
        with pytest.raises((EgressRefused, NotSent)):
            Session(Egress()).send(request(url), seconds=2)


def test_no_time_left_is_not_sent() -> None:
    with raw_server(lambda c: c.sendall(OK)) as port, pytest.raises(NotSent):
        session(port).send(request(f"http://127.0.0.1:{port}/"), seconds=0)


def trickle(head: bytes, rest: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.sendall(head)
        for byte in rest:
            time.sleep(0.05)
            connection.sendall(bytes([byte]))

    return serve


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"X-A: b\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x" * 9999),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 999),
    ],
    ids=["headers", "body", "chunks"],
)
def test_the_deadline_holds_when_bytes_trickle(head: bytes, rest: bytes) -> None:
    began = time.monotonic()
    with raw_server(trickle(head, rest)) as port, pytest.raises(Broken):
        session(port).send(request(f"http://127.0.0.1:{port}/"), seconds=0.5)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"HTTP/1.1 204 No Content\r\nServer: x\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"not http at all\r\n\r\n",
    ],
    ids=["nothing", "cut-status", "cut-204", "cut-body", "cut-chunk", "undecodable", "not-http"],
)
def test_a_cut_or_unreadable_reply_is_broken(reply: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_RDWR)

    with raw_server(serve) as port, pytest.raises(Broken):
        session(port).send(request(f"http://127.0.0.1:{port}/", "PUT", b"{}"), seconds=2)


def test_a_whole_204_is_none() -> None:
    reply = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"

    def serve(connection: socket.socket) -> None:
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_RDWR)

    with raw_server(serve) as port:
        assert session(port).send(request(f"http://127.0.0.1:{port}/", "PUT", b"{}"), seconds=2).status == 204


def test_the_cap_counts_what_was_decoded() -> None:
    packed = gzip.compress(b"x" * 5_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    assert len(packed) < 50_000
    with raw_server(lambda c: c.sendall(head + packed)) as port:
        with pytest.raises(TooLarge):
            session(port).send(request(f"http://127.0.0.1:{port}/"), seconds=5, cap=100_000)
        answer = session(port).send(request(f"http://127.0.0.1:{port}/"), seconds=5, cap=5_000_000)
    assert len(answer.body) == 5_000_000


def test_a_streamed_reply_is_given_in_pieces() -> None:
    body = bytes(range(256)) * 4096
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with raw_server(lambda c: c.sendall(head + body)) as port:
        answer = session(port).send(request(f"http://127.0.0.1:{port}/"), seconds=5, stream=True)
        pieces = list(answer.chunks)
    assert answer.body == b"" and len(pieces) > 1 and b"".join(pieces) == body


def test_a_redirect_is_given_back_not_followed() -> None:
    reached: list[int] = []
    with (
        Scripted(lambda r: Response(200)) as other,
        raw_server(
            lambda c: c.sendall(f"HTTP/1.1 302 Found\r\nLocation: {other.url}/\r\nContent-Length: 0\r\n\r\n".encode())
        ) as port,
    ):
        reached.append(session(port).send(request(f"http://127.0.0.1:{port}/"), seconds=5).status)
        assert not other.asked
    assert reached == [302]


@contextmanager
def counted() -> Iterator[tuple[int, list[int]]]:
    """A keep-alive server that counts its connections."""
    seen: list[int] = []

    def serve(connection: socket.socket) -> None:
        if connection.fileno() not in seen:
            seen.append(connection.fileno())
        connection.sendall(OK)

    with raw_server(serve) as port:
        yield port, seen


def test_a_connection_is_kept_alive() -> None:
    with counted() as (port, seen):
        own = session(port)
        for _ in range(5):
            own.send(request(f"http://127.0.0.1:{port}/"), seconds=5)
    assert len(seen) == 1


def test_a_write_gets_no_connection_that_idled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.1)
    opened: list[str] = []
    dial = module.Guard._dial

    def noted(self: Any, *args: Any) -> Any:
        opened.append("dial")
        return dial(self, *args)

    monkeypatch.setattr(module.Guard, "_dial", noted)
    with raw_server(lambda c: c.sendall(OK)) as port:
        own = session(port)
        own.send(request(f"http://127.0.0.1:{port}/"), seconds=5)
        time.sleep(0.2)
        own.send(request(f"http://127.0.0.1:{port}/"), seconds=5)
        assert len(opened) == 1
        time.sleep(0.2)
        own.send(request(f"http://127.0.0.1:{port}/", "POST", b"{}"), seconds=5)
        assert len(opened) == 2


def test_another_thread_may_take_the_last_kept_connection() -> None:
    class Taken(list[Any]):
        def __bool__(self) -> bool:
            return True  # as it was a moment ago

    with raw_server(lambda c: c.sendall(OK)) as port:
        own = session(port)
        own._adapter._idle["http", "127.0.0.1", port] = Taken()
        assert own.send(request(f"http://127.0.0.1:{port}/"), seconds=5).status == 200


def test_sixty_four_threads_at_once() -> None:
    with Scripted(lambda r: Response.of({"path": r.path})) as desk:
        own = session(desk.port)

        def one(number: int) -> bool:
            answer = own.send(request(f"{desk.url}/{number}"), seconds=10)
            return answer.body == f'{{"path": "/{number}"}}'.encode()

        with ThreadPoolExecutor(64) as pool:
            assert all(pool.map(one, range(640)))


def test_deadlines_of_two_threads_do_not_mix() -> None:
    def serve(connection: socket.socket) -> None:
        time.sleep(0.6)
        connection.sendall(OK)

    def ask(seconds: float) -> str:
        try:
            return str(own.send(request(f"http://127.0.0.1:{port}/"), seconds=seconds).status)
        except Broken:
            return "late"

    with raw_server(serve) as port:
        own = session(port)
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, [0.2, 5, 0.2, 5, 0.2, 5])) == ["late", "200"] * 3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(certificate, key) for ``localhost``, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@contextmanager
def tls_server(certificate: tuple[Path, Path], reply: bytes = OK) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.recv(65536)
                for piece in reply.split(b"|"):
                    wrapped.sendall(piece)
                    time.sleep(0.05)
                wrapped.recv(1)
        except OSError:
            return

    def serve() -> None:
        while listener.fileno() >= 0:
            try:
                threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def test_tls_is_verified(certificate: tuple[Path, Path]) -> None:
    with tls_server(certificate) as port:
        with pytest.raises(NotSent, match=r"(?i)certificate"):
            Session(Egress.parse(f"localhost:{port}")).send(request(f"https://localhost:{port}/"), seconds=5)
        trusted = Session(Egress.parse(f"localhost:{port},127.0.0.1:{port}"), ca=str(certificate[0]))
        assert trusted.send(request(f"https://localhost:{port}/"), seconds=5).status == 200
        with pytest.raises(NotSent, match=r"(?i)certificate|mismatch"):
            trusted.send(request(f"https://127.0.0.1:{port}/"), seconds=5)


def test_the_deadline_holds_under_tls(certificate: tuple[Path, Path]) -> None:
    slow = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + b"x|" * 99
    with tls_server(certificate, slow) as port:
        trusted = Session(Egress.parse(f"localhost:{port}"), ca=str(certificate[0]))
        began = time.monotonic()
        with pytest.raises(Broken):
            trusted.send(request(f"https://localhost:{port}/"), seconds=0.5)
    assert time.monotonic() - began < 1.5
