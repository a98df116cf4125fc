"""Where Tandem may connect to: the rule that ``session.py`` applies to every address, at the moment it connects.

Public addresses are open. Everything else (loopback, private networks, carrier NAT) needs an entry of the operator's
allow-list, a host or a CIDR with its port. Metadata services, link-local, multicast and unspecified addresses are
refused whatever the list says; addresses that wrap another one (v4-mapped, 6to4, Teredo, NAT64) are judged by both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NAT64 = ip_network("64:ff9b::/96")
METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "168.63.129.16",  # Azure's wire server: a public address
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # AWS over IPv6
    )
)


class EgressRefused(Exception):
    """The guard does not let this connection be made; nothing was sent."""


@dataclass(frozen=True)
class Allowed:
    """One entry of the operator's list: ``host`` (lower case) or ``network``, with its port."""

    port: int
    host: str | None = None
    network: Network | None = None

    def covers(self, host: str, address: Address, port: int) -> bool:
        if port != self.port:
            return False
        if self.network is None:
            return host == self.host
        return address.version == self.network.version and address in self.network


@dataclass(frozen=True)
class Egress:
    """The operator's allow-list as a value. ``Egress()`` allows public addresses alone."""

    allow: tuple[Allowed, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Egress:
        """``"127.0.0.1:8080, desk.example:443, 10.0.0.0/8:443, [fd00::/8]:443"``; ValueError names a bad entry."""
        return cls(tuple(_entry(part.strip()) for part in text.split(",") if part.strip()))

    def check(self, host: str, port: int, addresses: Sequence[str]) -> None:
        """Raises ``EgressRefused`` unless every one of ``addresses`` (the whole answer of one look-up) is allowed."""
        name = host.rstrip(".").lower().strip("[]")
        for text in addresses:
            address = ip_address(text.partition("%")[0])
            for layer in _layers(address):
                if _never(layer):
                    raise EgressRefused(f"{host} is {address}: never allowed")
            listed = any(entry.covers(name, address, port) for entry in self.allow)
            if not listed and not all(layer.is_global for layer in _layers(address)):
                raise EgressRefused(f"{host} is {address}, port {port}: not public, and not in TANDEM_EGRESS_ALLOW")


def _layers(address: Address) -> Iterator[Address]:
    """The address, and any address wrapped in it."""
    yield address
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _never(address: Address) -> bool:
    return address in METADATA or address.is_link_local or address.is_multicast or address.is_unspecified


def _entry(text: str) -> Allowed:
    where, colon, digits = text.rpartition(":")
    where = where.strip("[]").lower()
    if not colon or not digits.isdigit() or not 0 < int(digits) < 65536 or not where:
        raise ValueError(f"egress entry {text!r}: write host:port, CIDR:port or [v6-CIDR]:port")
    try:
        return Allowed(int(digits), network=ip_network(where))
    except ValueError:
        if "/" in where or ":" in where:
            raise ValueError(f"egress entry {text!r}: {where!r} is no network") from None
    return Allowed(int(digits), host=where.rstrip("."))
