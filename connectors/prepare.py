"""From a manifest's call and the names it may use to a prepared request. What fails here is ``Refused``: nothing left.

The request is made without ``requests``' general preparation, whose cost would be most of a call on the hot path.
"""

from __future__ import annotations

import base64
import io
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urljoin, urlsplit

from requests import PreparedRequest
from requests.exceptions import InvalidHeader
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity

from connectors.base import File
from connectors.errors import Refused
from connectors.paths import Path
from connectors.signing import signature
from connectors.templates import Missing, Names, Place, parse, tree, wire_text

AGENT = "Tandem"
Writes = list[tuple[Path, Any, Names]]


@dataclass(frozen=True)
class Places:
    """Where a connector may send: its base, the hosts its manifest lists, the addresses an admin gave (``given``), and
    which settings stand raw in URLs."""

    base: str
    hosts: tuple[str, ...] = ()
    urls: frozenset[str] = frozenset()
    raw: frozenset[str] = frozenset()
    given: tuple[str, ...] = ()

    def check(self, url: str) -> str:
        """``url``, if it may be followed: at the base's own host, or https at a listed one. Else ``Refused``."""
        try:
            scheme, name, port = _origin(url)
            own = self.own(url)
        except ValueError as error:
            raise Refused(f"no address: {url[:100]!r}") from error
        listed = (scheme, port) == ("https", 443) and any(fnmatchcase(name, pattern) for pattern in self.hosts)
        if "@" in urlsplit(url).netloc or not (own or listed):
            raise Refused(f"an address at another host is not followed: {scheme}://{name[:100]}:{port}")
        return url

    def own(self, url: str) -> bool:
        """Whether ``url`` is at the base's own host, or one that an admin gave. Raises ``ValueError``."""
        return _origin(url) in {_origin(each) for each in (self.base, *self.given)}

    def follow(self, current: str, link: str) -> str:
        """A link of a reply, made absolute and checked."""
        return self.check(urljoin(current, link))


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def base_of(text: str, names: Names, urls: frozenset[str], hosts: tuple[str, ...], given: tuple[str, ...] = ()) -> str:
    """The base, its values encoded so that none moves it to another host; one that begins with a found URL must be at a
    listed host, or at one of the addresses ``given``. Raises ``Missing``, ``Refused``."""
    parts = parse(text).parts
    head = parts[0].name if isinstance(parts[0], Place) else ""
    done = ""
    for part in parts:
        if isinstance(part, str):
            done += part
            continue
        value = parse(f"{{{part.name}}}").text(names)
        inside_host = head not in urls and "/" not in done.partition("://")[2]
        raw = part.name in urls or (not done and part.name == head)
        done += value if raw else quote(value, safe="" if inside_host else "/")
    if head and head not in urls:
        Places("", hosts, given=given).check(done)
    return done.rstrip("/")


@dataclass
class Draft:
    """All that one request is made of, still changeable: ``writes`` are encoded fields, ``file`` what is attached."""

    spec: Mapping[str, Any]
    names: Names
    headers: Mapping[str, str] = field(default_factory=dict)
    writes: Writes = field(default_factory=list)
    file: File | None = None
    url: str | None = None


def prepare(draft: Draft, places: Places, common: Mapping[str, str], auth: Mapping[str, str]) -> PreparedRequest:
    """The request. Raises ``Refused``."""
    try:
        method, _, target = draft.spec["send"].partition(" ")
        url = draft.url or _target(target, draft, places)
        body, mime = _body(draft)
        headers = _headers(draft, common, auth)
        if mime:
            check_header_validity(("Content-Type", mime))
            mime.encode("latin-1")
            headers.setdefault("Content-Type", mime)
    except Missing as gap:
        raise Refused(f"the call needs {gap}, which has no value") from gap
    except (UnicodeError, InvalidHeader) as error:
        raise Refused(f"the request cannot be written: {error}") from error
    if body is not None:
        headers["Content-Length"] = str(len(body))
    if "sign" in draft.spec:
        headers.update(_signed(draft, body, headers))
    request = PreparedRequest()
    request.method, request.url, request.headers, request.body = method, url, headers, body
    request.hooks = {"response": []}
    return request


def _signed(draft: Draft, body: Any, headers: Mapping[str, str]) -> dict[str, str]:
    """The header by which the receiver knows that the body is ours."""
    spec = draft.spec["sign"]
    lower = {name.lower(): value for name, value in headers.items()}
    proof = signature(spec, parse(spec["secret"]).text(draft.names), body, lower)
    return {spec["header"]: spec.get("prefix", "") + proof}


def _target(target: str, draft: Draft, places: Places) -> str:
    template = parse(target)
    head = template.parts[0]
    foreign = head.name if isinstance(head, Place) and head.name not in places.urls else None

    def put(name: str, text: str) -> str:
        if name in places.urls or name == foreign:
            return text
        if text in ("", ".", ".."):
            raise Missing(name)
        return quote(text, safe="")

    text = template.text(draft.names, put)
    if foreign:
        places.check(text)
    if text.startswith("/") and not places.base:
        raise Missing("base")
    url = places.base + text if text.startswith("/") else text
    pairs = list(_pairs(draft, places))
    return f"{url}?{urlencode(pairs, quote_via=quote)}" if pairs else url


def _pairs(draft: Draft, places: Places) -> Iterator[tuple[str, str]]:
    for key, value in draft.spec.get("query", {}).items():
        try:
            text = parse(value).query(draft.names, places.raw) if isinstance(value, str) else wire_text(value)
            yield parse(key).query(draft.names, places.raw), text
        except Missing:
            continue


def _headers(draft: Draft, common: Mapping[str, str], auth: Mapping[str, str]) -> CaseInsensitiveDict[str]:
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict(
        {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": AGENT}
    )
    for part in (common, auth, draft.spec.get("headers", {})):
        for key, value in part.items():
            try:
                text = value if part is auth else parse(value).text(draft.names)
            except Missing:
                continue
            check_header_validity((key, text))
            text.encode("latin-1")
            headers[key] = text
    return headers


def _body(draft: Draft) -> tuple[Any, str]:
    """(body, content type)."""
    spec, names = draft.spec, draft.names
    if "bytes" in spec:
        if draft.file is None:
            raise Missing("file")
        return Stream([draft.file.open], draft.file.size), parse(spec["bytes"]).text(
            names
        ) or "application/octet-stream"
    if "multipart" in spec:
        return _multipart(spec["multipart"], draft)
    if "form" in spec:
        filled = _filled(tree(spec["form"], names), draft)
        return urlencode({k: _form_text(v) for k, v in filled.items()}).encode(), "application/x-www-form-urlencoded"
    if "body" in spec or "fields" in spec:
        document = _filled(tree(spec.get("body", {}), names), draft)
        return json.dumps(document, ensure_ascii=False).encode(), "application/json"
    return None, ""


def _filled(body: Any, draft: Draft) -> Any:
    """``body`` with the encoded fields written where the call wants them."""
    for path, value, names in draft.writes:
        body = path.write(body, value, names)
    return body


def _form_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else wire_text(value)


def _multipart(parts: Mapping[str, Any], draft: Draft) -> tuple[Any, str]:
    file = draft.file
    if file is None:
        raise Missing("file")
    edge = uuid.uuid4().hex
    pieces: list[Callable[[], BinaryIO]] = []
    size = 0

    def add(data: bytes) -> None:
        nonlocal size
        pieces.append(lambda: io.BytesIO(data))
        size += len(data)

    for name, leaf in sorted(parts.items(), key=lambda item: item[1] == "{file}"):
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{quoted(name)}"'
        if leaf == "{file}":
            add(f'{head}; filename="{quoted(file.name)}"\r\nContent-Type: {_mime(file)}\r\n\r\n'.encode())
            pieces.append(file.open)
            size += file.size
            add(b"\r\n")
        else:
            add(f"{head}\r\n\r\n{_form_text(tree(leaf, draft.names))}\r\n".encode())
    add(f"--{edge}--\r\n".encode())
    return Stream(pieces, size), f"multipart/form-data; boundary={edge}"


def quoted(name: str) -> str:
    """A name inside a quoted multipart parameter (the WHATWG rule: quote and line ends are percent-encoded)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _mime(file: File) -> str:
    check_header_validity(("Content-Type", file.mime))
    return file.mime or "application/octet-stream"


class Stream:
    """Several sources as one readable body of known length; each is opened when its turn comes."""

    def __init__(self, sources: list[Callable[[], BinaryIO]], size: int) -> None:
        self._sources = list(sources)
        self._size = self._left = size
        self._now: BinaryIO | None = None

    def __len__(self) -> int:
        return self._size

    def read(self, count: int = -1) -> bytes:
        """The next bytes. Raises OSError where the sources are not as long as was announced."""
        while self._now or self._sources:
            self._now = self._now or self._sources.pop(0)()
            if data := self._now.read(count):
                self._left -= len(data)
                if self._left < 0:
                    raise OSError("the file is longer than it was")
                return data
            self._now.close()
            self._now = None
        if self._left:
            raise OSError("the file is shorter than it was")
        return b""


def file_names(file: File) -> dict[str, Any]:
    """The names of a file for templates; its content is read only where a template asks for it."""
    return {"file.name": file.name, "file.type": file.mime or "application/octet-stream"}


def base64_of(file: File) -> str:
    with file.open() as source:
        return base64.b64encode(source.read()).decode("ascii")
