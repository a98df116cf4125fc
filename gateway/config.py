"""The settings of one process, read once from the environment; nothing else looks there.

A value that cannot be used is refused with the variable's name, the value and what to write instead. Secrets never
appear in a representation. The names are fixed in the design and listed in ``docs/``.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import ConfigError

KEY_BYTES = 32
SOCKET_PATH_MAX = 107
"""Bytes of a Unix socket's path: ``sun_path`` holds 108 with its closing NUL."""

_MAKE_KEY = 'Make one with: python -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"'
_POSTGRES = ("postgres://", "postgresql://", "postgresql+psycopg://")


@dataclass(frozen=True)
class Config:
    """``home`` is absolute. ``egress_allow`` holds ``host:port`` or ``CIDR:port``. ``embedded_redis`` is true when no
    Redis was named: ``tandem up`` then runs its own. ``crash_at`` is a crash point's name, in tests only.
    ``trusted_proxies``: how many stand before the web process and append to its forwarded headers. ``connectors``:
    folders of connectors that are not shipped."""

    home: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    embedded_redis: bool
    bind: tuple[str, int]
    egress_allow: tuple[str, ...]
    crash_at: str
    secret: bytes = field(repr=False)
    trusted_proxies: int = 0
    connectors: tuple[Path, ...] = ()

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, create: bool = True) -> Config:
        """Read ``environ`` (default: the process's). With ``create``, the first start of the embedded default makes its
        state folder and its secret key there. Raises ConfigError."""
        env = os.environ if environ is None else environ
        home = Path(env.get("TANDEM_HOME") or "var").expanduser().absolute()
        url = database_url(env.get("TANDEM_DATABASE_URL") or "", home)
        named = env.get("TANDEM_REDIS_URL") or ""
        return cls(
            home=home,
            database_url=url,
            redis_url=_redis_url(named) if named else embedded_redis_url(home),
            embedded_redis=not named,
            bind=parse_bind(env.get("TANDEM_BIND") or "127.0.0.1:8080"),
            egress_allow=_egress(env.get("TANDEM_EGRESS_ALLOW") or ""),
            crash_at=env.get("TANDEM_CRASH_AT") or "",
            secret=_secret(env, home, _sqlite_path(url), create),
            trusted_proxies=trusted_proxies(env),
            connectors=connectors(env),
        )

    @property
    def database_path(self) -> Path | None:
        """The SQLite file, or None on PostgreSQL."""
        return _sqlite_path(self.database_url)

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose (``seal``, ``audit``, ``session``, ``id``), derived with HKDF-SHA256 (RFC 5869)."""
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=b"tandem:" + purpose.encode()).derive(self.secret)

    def key_check(self) -> str:
        """What a database stores to notice that it is opened with another key; says nothing about the key itself."""
        return self.key("check").hex()[:32]

    def bound_to(self, host: str, port: int) -> Config:
        """The same settings with the address that was free."""
        return replace(self, bind=(host, port))

    def allowing(self, *destinations: str) -> Config:
        """The same settings with more destinations that connectors may reach (``host:port``)."""
        return replace(self, egress_allow=(*self.egress_allow, *_egress(",".join(destinations))))

    def child_environment(self) -> dict[str, str]:
        """The environment in which a child process loads these same settings. The key is passed on only if it came in
        that way."""
        host, port = self.bind
        return {
            **os.environ,
            "TANDEM_HOME": str(self.home),
            "TANDEM_BIND": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "TANDEM_EGRESS_ALLOW": ",".join(self.egress_allow),
        }


def trusted_proxies(environ: Mapping[str, str] | None = None) -> int:
    """How many proxies before the web process are believed, 0 to 9. Raises ConfigError."""
    text = ((os.environ if environ is None else environ).get("TANDEM_TRUSTED_PROXIES") or "0").strip()
    if len(text) != 1 or text not in "0123456789":
        fix = "Write how many proxies stand between the internet and Tandem, usually 1."
        raise ConfigError("not a number of proxies", "TANDEM_TRUSTED_PROXIES", text, fix)
    return int(text)


def connectors(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The folders of connectors from outside, in ``TANDEM_CONNECTORS`` with ``:`` between them. Raises ConfigError."""
    text = (os.environ if environ is None else environ).get("TANDEM_CONNECTORS") or ""
    found = tuple(Path(one).expanduser().absolute() for one in text.split(":") if one)
    for folder in found:
        if not (folder / "manifest.yaml").is_file():
            fix = "Name the folder that holds its manifest.yaml."
            raise ConfigError("no connector is there", "TANDEM_CONNECTORS", str(folder), fix)
    return found


def variable(name: str) -> str | None:
    """A variable that an operator's own document names, like a secret that should not stand in a file."""
    return os.environ.get(name)


def embedded_redis_url(home: Path) -> str:
    """Where the embedded Valkey of this state folder listens: its socket, or the loopback address it has noted."""
    socket = home / "valkey.sock"
    if len(os.fsencode(socket)) <= SOCKET_PATH_MAX:
        return f"unix://{socket}"
    noted = home / "valkey.url"
    return noted.read_text().strip() if noted.exists() else ""


def parse_bind(text: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``[IPv6]:PORT`` as (host, port); port 0 means any free one. Raises ConfigError."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError("not an address to listen on", "TANDEM_BIND", text, "Write HOST:PORT, like 127.0.0.1:8080.")
    return host.strip("[]"), int(port)


def database_url(text: str, home: Path) -> str:
    """A database's address as SQLAlchemy takes it; "" is the default in ``home``. Raises ConfigError."""
    if not text:
        return f"sqlite:///{home / 'tandem.db'}"
    if text.startswith("sqlite:///") and len(text) > len("sqlite:///"):
        return text
    for prefix in _POSTGRES:
        if text.startswith(prefix):
            return "postgresql+psycopg://" + text.removeprefix(prefix)
    fix = "Write sqlite:////absolute/path.db or postgresql://USER:PASSWORD@HOST/NAME."
    raise ConfigError("not a database Tandem runs on", "TANDEM_DATABASE_URL", _scheme(text), fix)


def _sqlite_path(url: str) -> Path | None:
    return Path(url.removeprefix("sqlite:///").partition("?")[0]).absolute() if url.startswith("sqlite:///") else None


def _redis_url(text: str) -> str:
    if text.startswith(("redis://", "rediss://", "unix://")):
        return text
    fix = "Write redis://:PASSWORD@HOST:6379/0, rediss://... or unix:///path/to.sock."
    raise ConfigError("not a Redis address", "TANDEM_REDIS_URL", _scheme(text), fix)


def _scheme(url: str) -> str:
    """What may be shown of a refused URL: a password may stand in the rest."""
    return url.partition("://")[0][:20] + "://..." if "://" in url else "..."


def _egress(text: str) -> tuple[str, ...]:
    return tuple(_destination(part.strip()) for part in text.split(",") if part.strip())


def _destination(text: str) -> str:
    fix = "Write host:port or CIDR:port, comma-separated, like desk.example:443,10.1.0.0/16:443,[fd00::/8]:443."
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 65535:
        raise ConfigError("a destination without its port", "TANDEM_EGRESS_ALLOW", text, fix)
    if "/" in host:
        try:
            ipaddress.ip_network(host.strip("[]"))
        except ValueError as error:
            raise ConfigError(f"not a network: {error}", "TANDEM_EGRESS_ALLOW", text, fix) from None
    return text


def _secret(env: Mapping[str, str], home: Path, sqlite: Path | None, create: bool) -> bytes:
    if text := env.get("TANDEM_SECRET_KEY"):
        return _decode("TANDEM_SECRET_KEY", text)
    if name := env.get("TANDEM_SECRET_KEY_FILE"):
        return _decode("TANDEM_SECRET_KEY_FILE", _read(Path(name)))
    kept = home / "secret.key"
    if kept.exists():
        return _decode(str(kept), _read(kept))
    if sqlite is None:
        raise ConfigError("a PostgreSQL database needs its key from outside", "TANDEM_SECRET_KEY", fix=_MAKE_KEY)
    if sqlite.exists():
        raise ConfigError(
            "the database is there but its key is not", str(kept), fix="Put the key back; a new one cannot open it."
        )
    if not create:
        raise ConfigError("no key yet", str(kept), fix="'tandem up' makes it at its first start.")
    return _make_secret(kept)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        fix = "Name a readable file with 32 bytes in base64."
        raise ConfigError(f"cannot be read: {error}", "TANDEM_SECRET_KEY_FILE", str(path), fix) from None


def _decode(name: str, text: str) -> bytes:
    """The value is never shown: it may be most of a real key."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(f"not {KEY_BYTES} bytes in base64", name, fix=_MAKE_KEY)
    return key


def _make_secret(path: Path) -> bytes:
    """Make the key whole and durable before its name exists, so that two first starts agree and a crash leaves none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return _decode(str(path), _read(path))
