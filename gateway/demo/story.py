"""The demo's tickets: what people at a company of some hundred write to their desk in a week, and what they answer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

PEOPLE = (
    ("Ana Ruiz", "finance"),
    ("Boris Petrov", "warehouse"),
    ("Carla Mendes", "sales"),
    ("Dieter Braun", "production"),
    ("Elena Popova", "human resources"),
    ("Farid Haddad", "purchasing"),
    ("Grace Lin", "engineering"),
    ("Hugo Martín", "customer service"),
)
"""Names, and where they work."""


class Story(NamedTuple):
    """What somebody writes. ``channel``: how it came in."""

    title: str
    text: str
    impact: str
    urgency: str
    category: str
    tags: tuple[str, ...]
    kind: str = "incident"
    channel: str = "mail"


STORIES = (
    Story(
        "VPN drops every few minutes",
        "Since the update this morning the VPN disconnects after three to five minutes. Error 809. "
        "Three colleagues in the same office have it too.",
        "high", "high", "network", ("vpn",),
    ),
    Story(
        "Printer on the second floor prints blank pages",
        "The big printer beside the kitchen. Paper and toner are full, the test page is blank as well.",
        "low", "medium", "hardware", ("printer",), channel="portal",
    ),
    Story(
        "A new colleague starts on Monday",
        "Maria Costa, engineering. Standard laptop, German keyboard, docking station, two screens, desk 4.12. "
        "Groups as for Grace Lin.",
        "low", "medium", "hardware", ("onboarding",), "request", "portal",
    ),
    Story(
        "Shared mailbox sales@ no longer receives mail",
        "Customers say that their messages come back with 'mailbox full', but it shows 12 % used.",
        "high", "high", "software", ("mail",),
    ),
    Story(
        "Licence for the drawing program",
        "Mine ended yesterday and it starts in the reading mode only. The cost centre is 4410.",
        "low", "medium", "software", ("licence",), "request", "portal",
    ),
    Story(
        "Cannot open invoices in the accounting system",
        "Every invoice from November shows 'document not found'. October works. Month end is on Friday.",
        "medium", "high", "software", ("finance",),
    ),
    Story(
        "Backup of the file server failed for three nights",
        "The report says 'VSS writer timed out'. The last good one is from Sunday.",
        "high", "medium", "software", ("backup", "server"), channel="monitoring",
    ),
    Story(
        "Password reset does not send a text message",
        "Tried three times. My number in the portal is right.",
        "low", "high", "inquiry", ("access",), channel="phone",
    ),
    Story(
        "Wi-Fi in the warehouse is very slow",
        "The scanners need ten seconds for each article. It began when the new racks were put up.",
        "high", "medium", "network", ("warehouse", "wifi"),
    ),
    Story(
        "Meeting room screen shows no picture",
        "Room Sevilla. With the cable and without. The customer comes at two.",
        "low", "high", "hardware", ("meeting room",), channel="phone",
    ),
    Story(
        "Access to the project folder 'Harbour'",
        "I joined the project last week and need to read and write there. Approved by Carla Mendes.",
        "low", "low", "inquiry", ("access",), "request", "portal",
    ),
    Story(
        "Telephones have no dial tone after the power cut",
        "All phones on the ground floor. The switch in the cabinet blinks orange.",
        "high", "high", "network", ("telephony",), channel="phone",
    ),
    Story(
        "Suspicious message that asks for my password",
        "It says it is from our own desk. I did not click. Shall I delete it?",
        "medium", "high", "inquiry", ("mail", "security"),
    ),
    Story(
        "Excel closes when I open the forecast",
        "Only this file. It has macros and is 40 MB.",
        "low", "medium", "software", ("office",),
    ),
    Story(
        "The order form shows an error for Portuguese customers",
        "'Invalid tax number', for every number. Spanish customers are fine.",
        "medium", "medium", "software", ("shop", "server"),
    ),
    Story(
        "Battery of my laptop swells",
        "The touchpad lifts. I have switched it off and use an old one for now.",
        "medium", "high", "hardware", ("safety",), channel="phone",
    ),
    Story(
        "Please restore a folder I deleted by accident",
        "Quotes/2026/Kessler, deleted about an hour ago, not in the recycle bin.",
        "low", "high", "inquiry", ("backup",), "request",
    ),
    Story(
        "Out-of-office reply goes to nobody",
        "Switched it on before my leave last week, and two customers say they got no answer.",
        "low", "low", "software", ("mail",), channel="portal",
    ),
)  # fmt: skip

ANSWERS = (
    ("since when", "Since this morning, about nine. My colleague at the next desk has it too."),
    ("also happen", "Yes, there as well. It makes no difference."),
    ("", "Please go ahead, I have saved everything."),
)
"""What people say when the provider asks back, by what its question holds."""

SOLVED = (
    "Done; please try again.",
    "Solved on the telephone together with the colleague.",
    "Set up as asked. The settings arrive with the next sign-in.",
)
"""How our own desk ends a ticket."""


def address(name: str) -> str:
    """The e-mail address of somebody at the company."""
    return f"{name.lower().replace('í', 'i').replace(' ', '.')}@company.example"


def tickets() -> Iterator[tuple[str, dict[str, Any]]]:
    """(channel, fields) of one ticket after another, without end: each story in turn, by each person in turn."""
    for number in count():
        story = STORIES[number % len(STORIES)]
        name, department = PEOPLE[number % len(PEOPLE)]
        yield (
            story.channel,
            {
                "title": story.title,
                "description": f"{story.text}\n\n{name}, {department}",
                "kind": story.kind,
                "impact": story.impact,
                "urgency": story.urgency,
                "category": story.category,
                "tags": sorted(story.tags),
                "assets": [f"PC-{number % 200 + 1000}"] if story.category == "hardware" else [],
                "requester": {"name": name, "email": address(name)},
            },
        )


def answer(question: str) -> str:
    """What somebody answers."""
    return next(text for words, text in ANSWERS if words in question)
