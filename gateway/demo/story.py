"""The demo's tickets: what people at a company of some hundred write to their desk in a week."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

PEOPLE = (
    ("Ana Ruiz", "ana.ruiz"),
    ("Boris Petrov", "boris.petrov"),
    ("Carla Mendes", "carla.mendes"),
    ("Dieter Braun", "dieter.braun"),
    ("Elena Popova", "elena.popova"),
    ("Farid Haddad", "farid.haddad"),
    ("Grace Lin", "grace.lin"),
    ("Hugo Martín", "hugo.martin"),
)

# title, description, impact, urgency, category, tags
TICKETS: tuple[tuple[str, str, str, str, str, tuple[str, ...]], ...] = (
    (
        "VPN drops every few minutes",
        "Since the update this morning the VPN disconnects after three to five minutes. Error 809. "
        "Three colleagues in the same office have it too.",
        "high", "high", "network", ("vpn",),
    ),
    (
        "Printer on the second floor prints blank pages",
        "The big printer beside the kitchen. Paper and toner are full, the test page is blank as well.",
        "low", "medium", "hardware", ("printer",),
    ),
    (
        "Cannot open invoices in the accounting system",
        "Every invoice from November shows 'document not found'. October works. Month end is on Friday.",
        "medium", "high", "software", ("finance",),
    ),
    (
        "New laptop for a colleague who starts on Monday",
        "Standard model, German keyboard, docking station and two screens. Desk 4.12.",
        "low", "medium", "hardware", ("onboarding",),
    ),
    (
        "Shared mailbox sales@ no longer receives mail",
        "Customers say that their messages come back with 'mailbox full', but it shows 12 % used.",
        "high", "high", "software", ("mail",),
    ),
    (
        "Wi-Fi in the warehouse is very slow",
        "The scanners need ten seconds for each article. It began when the new racks were put up.",
        "medium", "medium", "network", ("warehouse", "wifi"),
    ),
    (
        "Password reset does not send a text message",
        "Tried three times. My number in the portal is right.",
        "low", "high", "inquiry", ("access",),
    ),
    (
        "Meeting room screen shows no picture",
        "Room Sevilla. With the cable and without. The customer comes at two.",
        "low", "high", "hardware", ("meeting room",),
    ),
    (
        "Backup of the file server failed for three nights",
        "The report says 'VSS writer timed out'. The last good one is from Sunday.",
        "high", "medium", "software", ("backup", "server"),
    ),
    (
        "Access to the project folder 'Harbour'",
        "I joined the project last week and need to read and write there. Approved by Carla Mendes.",
        "low", "low", "inquiry", ("access",),
    ),
    (
        "Telephones have no dial tone after the power cut",
        "All phones on the ground floor. The switch in the cabinet blinks orange.",
        "high", "high", "network", ("telephony",),
    ),
    (
        "Excel closes when I open the forecast",
        "Only this file. It has macros and is 40 MB.",
        "low", "medium", "software", ("office",),
    ),
    (
        "Suspicious message that asks for my password",
        "It says it is from our own desk. I did not click. Shall I delete it?",
        "medium", "high", "inquiry", ("security",),
    ),
    (
        "The order form shows an error for Portuguese customers",
        "'Invalid tax number', for every number. Spanish customers are fine.",
        "high", "medium", "software", ("shop",),
    ),
    (
        "Battery of my laptop swells",
        "The touchpad lifts. I have switched it off and use an old one for now.",
        "medium", "high", "hardware", ("safety",),
    ),
    (
        "Please restore a folder I deleted by accident",
        "Quotes/2026/Kessler, deleted about an hour ago, not in the recycle bin.",
        "low", "high", "inquiry", ("restore",),
    ),
)  # fmt: skip


def tickets() -> Iterator[dict[str, Any]]:
    """Fields of one ticket after another, without end: each person in turn, each story in turn."""
    for number in count():
        title, description, impact, urgency, category, tags = TICKETS[number % len(TICKETS)]
        name, address = PEOPLE[number % len(PEOPLE)]
        yield {
            "title": title,
            "description": description,
            "impact": impact,
            "urgency": urgency,
            "category": category,
            "tags": sorted(tags),
            "requester": {"name": name, "email": f"{address}@company.example"},
        }
