"""Where Tandem may connect to."""

from __future__ import annotations

import pytest

from connectors.egress import Egress, EgressRefused

PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.9",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "::",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
        "fe80::1%eth0",
        "224.0.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "fd00:ec2::254",
        "255.255.255.255",
    ],
)
def test_only_public_addresses_without_a_list(address: str) -> None:
    with pytest.raises(EgressRefused):
        Egress().check("desk.example", 443, [address])


def test_public_addresses_are_open() -> None:
    Egress().check("desk.example", 443, [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"])


def test_every_address_of_an_answer_counts() -> None:
    with pytest.raises(EgressRefused, match=r"10\.0\.0\.1"):
        Egress().check("desk.example", 443, [PUBLIC, "10.0.0.1"])


@pytest.mark.parametrize(
    ("allow", "host", "port", "address", "allowed"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1", True),
        ("127.0.0.1:8080", "127.0.0.1", 8081, "127.0.0.1", False),
        ("10.0.0.0/8:443", "desk.lan", 443, "10.9.8.7", True),
        ("10.0.0.0/8:443", "desk.lan", 443, "192.168.1.1", False),
        ("desk.lan:443", "DESK.lan", 443, "192.168.1.1", True),
        ("desk.lan:443", "other.lan", 443, "192.168.1.1", False),
        ("[fd00::/8]:443", "desk.lan", 443, "fd12::1", True),
        ("1.2.3.4:1, 127.0.0.0/8:99", "localhost", 99, "127.0.0.5", True),
    ],
)
def test_the_operators_list(allow: str, host: str, port: int, address: str, allowed: bool) -> None:
    egress = Egress.parse(allow)
    if allowed:
        egress.check(host, port, [address])
    else:
        with pytest.raises(EgressRefused):
            egress.check(host, port, [address])


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "169.254.1.1", "fe80::5", "fd00:ec2::254", "::ffff:169.254.169.254"]
)
def test_metadata_and_link_local_are_refused_whatever_the_list_says(address: str) -> None:
    egress = Egress.parse("0.0.0.0/0:80, [::/0]:80, metadata.lan:80")
    with pytest.raises(EgressRefused, match="never"):
        egress.check("metadata.lan", 80, [address])


@pytest.mark.parametrize("text", ["127.0.0.1", "host:", ":80", "host:0", "host:70000", "10.0.0.0/99:80", "fd00::/8:x"])
def test_a_bad_entry_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="egress entry"):
        Egress.parse(text)
