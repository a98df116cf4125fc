"""Broken mappings: one mistake each in the good mapping of the invented desk, with the code and place it must get."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.mappings import support

TEXT = support.source("desk")
CATALOGUE = support.catalogue("desk")
Change = Callable[[dict[str, Any]], None]


def entry(name: str, **more: Any) -> Change:
    """A change of one catalogue field; None removes a key."""

    def change(doc: dict[str, Any]) -> None:
        field = doc["fields"].setdefault(name, {})
        field.update(more)
        for key in [key for key, value in more.items() if value is None]:
            del field[key]

    return change


def top(name: str, **more: Any) -> Change:
    def change(doc: dict[str, Any]) -> None:
        doc[name] = {**doc.get(name, {}), **more}

    return change


class Broken(NamedTuple):
    """``edit`` and ``also``: (good, bad) in the text; ``at``: how the place complained about begins; ``cause``: a part
    of it; ``early``: found before the prover's own checks run."""

    code: str
    edit: tuple[str, str]
    at: str
    cause: str = ""
    change: Change | None = None
    also: tuple[str, str] = ("", "")
    early: bool = False


LAST = "      Rejected: cancelled\n"
BROKEN = [
    Broken("M001", ("  due: due", "  due: due\n  due: body"), "due: body", "'due' twice"),
    Broken("M001", ("worklogs: in", "worklogs: &in in"), "&in", "anchor"),
    Broken("M001", ("worklogs: in", "worklogs: !!str in"), "!!str", "tag"),
    Broken("M002", ("worklogs: in", "worklog: in"), "worklog:", "no key `worklog` here"),
    Broken("M002", ("match: email}", "matches: email}"), "matches", "no key `matches`"),
    Broken("M003", ("direction: out, match", "direction: outward, match"), "outward", "no word"),
    Broken("M003", ("mapping: 1", "mapping: 2"), "2", "language version"),
    Broken("M003", ("  title: title", "  title: {field: title, conflict: ask, direction: in}"), "conflict", "one-way"),
    Broken("M005", ("name: desk", "name: desk\nextends: nothing"), "nothing", "nothing published"),
    Broken("M007", ("gives: {status: resolved", "gives: {status: closed"), "gives", '"status": "resolved"'),
    Broken("M007", ('in: {state: "6", cause: fixed}', "out: {status: new}"), "gives", '"state": "1"'),
    Broken("M010", ("  tags: labels", "  tagz: labels"), "tagz", "no field 'tagz'"),
    Broken("M010", ("  service: the", "  servize: the"), "servize", ""),
    Broken("M011", ("  tags: labels", "  tags: lables"), "lables", "no field 'lables'"),
    Broken("M011", ("provider: staff,", "provider: stuff,"), "stuff", "no channel 'stuff'"),
    Broken("M011", ("reference: ref", "reference: rev"), "rev", "no field 'rev'"),
    Broken("M012", ("Waiting: pending_requester", "Waiting: pending_requestor"), "pending_requestor", ""),
    Broken("M012", ("write: {P1: 1", "write: {P0: 1"), "P0", "priority is never 'P0'"),
    Broken("M013", ("Waiting: pending_requester", "Wating: pending_requester"), "Wating", "no value 'Wating'"),
    Broken("M013", ("source: E-mail", "source: Email"), "Email", "no value 'Email'"),
    Broken("M013", ("Closed: closed", '"is:shut": closed'), '"is:shut"', "no value of state is 'shut'"),
    Broken(
        "M014",
        ("", ""),
        "Working",
        "'Working' names 2 and 9",
        entry("state", values={**CATALOGUE["fields"]["state"]["values"], "9": "Working"}),
    ),
    Broken("M014", ("New: new\n", "New: new\n      1: closed\n"), "1:", "once more"),
    Broken("M016", ("  tags: labels\n", ""), "unsupported", "tags is neither mapped nor unsupported"),
    Broken(
        "M016",
        ("  service: the desk has none", "  service: none\n  tags: none"),
        "tags: none",
        "mapped and unsupported",
    ),
    Broken("M020", ("  due: due", "  due: spare"), "spare", "datetime here and text there", early=True),
    Broken("M020", ("field: area", "field: spare"), "values", "a table on spare, which takes any text"),
    Broken("M021", ("", ""), "title", "up to 250 characters, title takes 100", entry("title", max=100)),
    Broken("M021", ("", ""), "labels", "tags has up to 60", entry("labels", max=30)),
    Broken("M021", ("", ""), "10 MB", "10,000,000 bytes, theirs take 5,000", top("attachments", max=5000)),
    Broken(
        "M021",
        ("source: E-mail", "source: E-mail, spare: too long"),
        "too long",
        "the default has 8",
        entry("spare", max=5),
    ),
    Broken(
        "M021",
        ("  subcategory: detail", "  subcategory: {field: detail, direction: out, expr: title + title}"),
        "detail",
        "any number of",
    ),
    Broken("M022", ("  tags: labels", "  tags: {field: labels, transform: {spaces: --}}"), "{spaces", "one character"),
    Broken("M022", ("  tags: labels", "  tags: {field: labels, transform: upper}"), "upper", "no transform upper"),
    Broken("M023", ("", ""), "labels", "tags may hold blanks", entry("labels", accepts="no_spaces")),
    Broken("M025", ("  tags: labels", "  tags: spare"), "spare", "a set onto the single spare"),
    Broken("M030", (LAST, "    write: {cancelled: Closed}\n"), "values", "no row for their Rejected"),
    Broken(
        "M031",
        (
            "{Incident: incident, Request: request, Problem: problem}",
            "{Incident: incident, Request: request, Problem: request}, write: {request: Request}",
        ),
        "write",
        "nothing of theirs means problem",
    ),
    Broken(
        "M032", ("Known: pending_problem", "Known: in_progress"), "Working", "Working and Known all mean in_progress"
    ),
    Broken(
        "M033",
        ("      Rejected: cancelled", "      Rejected: cancelled\n    write: {closed: Solved}"),
        "closed: Solved",
        "though something of theirs means it",
    ),
    Broken(
        "M040",
        ("Known: pending_problem", "Known: in_progress"),
        "Known}",
        "pending_problem -> Known -> in_progress -> Working",
        None,
        (LAST, LAST + "    write: {in_progress: Working, pending_problem: Known}\n"),
    ),
    Broken(
        "M040",
        ("Known: pending_problem", "Known: []"),
        "Known}",
        "which means nothing to us",
        None,
        (LAST, LAST + "    write: {pending_problem: Known}\n"),
    ),
    Broken(
        "M041",
        ("Known: pending_problem", "Known: pending_provider"),
        "pending_problem: Vendor",
        "comes back as pending_provider",
        None,
        (LAST, LAST + "    write: {pending_provider: Vendor, pending_problem: Vendor}\n"),
    ),
    Broken(
        "M041",
        ("Declined: declined}", "Declined: []}\n    write: {declined: []}"),
        "declined: []",
        "declined is not conveyed",
    ),
    Broken(
        "M041",
        ("  tags: labels", "  tags: {field: labels, transform: {spaces: _}}"),
        "transform",
        "tags loses which of",
    ),
    Broken(
        "M042",
        (
            "field: rank, direction: out, write: {P1: 1, P2: 2, P3: 3, P4: 4, P5: 5}",
            "field: urgency, direction: out, write: {P1: High, P2: High, P3: Medium, P4: Low, P5: Low}",
        ),
        "urgency",
        "which priority is written to",
    ),
    Broken(
        "M043",
        ("direction: out, write: {P1: 1, P2: 2, P3: 3, P4: 4, P5: 5}", "values: {1: P1, 2: P2, 3: P3, 4: P4, 5: P5}"),
        "priority",
        "follows from impact and urgency",
    ),
    Broken(
        "M044",
        ("  subcategory: detail", "  subcategory: team"),
        "team",
        "group and subcategory are both written to team",
    ),
    Broken("M044", ("  subcategory: detail", "  subcategory: ref"), "ref", "subcategory and the reference"),
    Broken("M045", ("", ""), "due", "due is computed there", entry("due", derived=True)),
    Broken("M045", ("", ""), "due", "due is read-only there", entry("due", write="never")),
    Broken("M045", ("", ""), "due", "due is never shown", entry("due", read=False)),
    Broken("M046", ("  due: due", "  due: {field: due, conflict: newest}"), "newest", "no date of its own"),
    Broken(
        "M050",
        ("", ""),
        "cancelled",
        "from New there is no way to Rejected in 2 steps",
        top("workflow", edges={"1": ["2"], "2": ["3", "4", "5", "6", "7"]}),
    ),
    Broken(
        "M050",
        ("      Rejected: cancelled", "      Rejected: cancelled\n    avoid: [Working]"),
        "cancelled",
        "no way",
        top("workflow", edges={"1": ["2", "3", "4", "5", "6", "7"], "2": ["8"]}),
    ),
    Broken(
        "M051",
        ("", ""),
        "status",
        "no way for Closed -> new, Closed -> in_progress",
        top("workflow", edges={**CATALOGUE["workflow"]["edges"], "7": []}),
    ),
    Broken("M052", (", cause: Fixed", ""), "resolved", "resolved: Solved requires cause, which may be empty"),
    Broken(
        "M055",
        ("", ""),
        "values",
        "the values of area differ by kind",
        entry("area", per="kind", values={"i": {"a": "Inquiry", "s": "Software", "h": "Hardware", "n": "Network"}}),
    ),
    Broken(
        "M055",
        (
            "{field: area, values: {Inquiry: inquiry, Software: software, Hardware: hardware, Network: network}}",
            "{field: area, per: kind, values: {Incident: {Inquiry: inquiry, Software: software, Hardware: hardware,"
            " Network: network}}}",
        ),
        "values",
        "no table for kind Request",
        entry(
            "area",
            per="kind",
            values={"i": {"a": "Inquiry", "s": "Software", "h": "Hardware", "n": "Network"}, "r": {"x": "Inquiry"}},
        ),
    ),
    Broken("M060", ("source: E-mail, ", ""), "defaults", "a create requires source"),
    Broken("M060", ("", ""), "defaults", "a create requires reporter", entry("reporter", required=["create"])),
    Broken("M062", ("reference: ref", "reference: spare"), "spare", "cannot be searched"),
    Broken("M062", ("", ""), "ref", "takes 30 characters", entry("ref", max=30)),
    Broken("M063", ("", ""), "body", "set at creation alone", entry("body", write="create")),
    Broken(
        "M070", ("{field: owner, direction: in, match: email}", "{field: owner, direction: in}"), "assignee", "neither"
    ),
    Broken(
        "M070",
        ("{field: owner, direction: in, match: email}", "{field: owner, direction: in, match: login}"),
        "login",
        "gives email, id, not login",
    ),
    Broken("M073", ("", ""), "email", "may be hidden", entry("owner", optional=["email"])),
    Broken("M080", ("outward: {provider: staff", "outward: {provider: all"), "all", "all reaches the requester too"),
    Broken(
        "M080",
        ("outward: {provider: staff", "outward: {team: staff, provider: staff"),
        "team",
        "never sent",
        early=True,
    ),
    Broken("M081", ("outward: {provider: staff, ", "outward: {"), "outward", "no channel for provider"),
    Broken("M081", ("inward: {all: provider+requester, ", "inward: {"), "inward", "no audience for all"),
    Broken(
        "M082",
        ("reaches: {all: provider+requester", "reaches: {all: provider"),
        "provider,",
        "all reaches the provider and the requester",
    ),
    Broken(
        "M082",
        ("staff: provider}\n  outward", "staff: provider}\n  outward"),
        "reaches",
        "nobody says whom third reaches",
        top("channels", third={}),
    ),
    Broken(
        "M083",
        ("staff: provider}\nattachments", "staff: provider+requester}\nattachments"),
        "provider+requester}",
        "staff is internal there",
    ),
    Broken(
        "M084",
        ("max: 10 MB", "max: 10 MB, reaches: provider"),
        "provider}",
        "reaches the provider and the requester",
        top("attachments", shown_with="record", reaches=["provider", "requester"]),
    ),
    Broken(
        "M084",
        ("", ""),
        "{direction",
        "a file on the record reaches the provider",
        top("attachments", shown_with="record", reaches=["provider"]),
    ),
    Broken(
        "M085",
        ("max: 10 MB", "max: 10 MB, reaches: provider+requester"),
        "attachments",
        "do not travel",
        top("attachments", shown_with="record", reaches=["provider", "requester"]),
    ),
    Broken(
        "M100",
        ("  subcategory: detail", "  subcategory: {field: detail, direction: out, expr: 'title + 1', overlong: hold}"),
        "'title",
        "no matching overload",
    ),
    Broken("M101", ("  subcategory: detail", "  subcategory: {field: detail, expr: title}"), "expr", "two-way"),
    Broken(
        "M110", ("", ""), "status", "no workflow in the catalogue: M050, M051 skipped", lambda doc: doc.pop("workflow")
    ),
    Broken("M110", ("", ""), "category", "values of area are not listed", entry("area", values=None)),
    Broken("M110", ("", ""), "category", "the manifest's", lambda doc: doc.update(sources={"area": "manifest"})),
    Broken("M110", ("", ""), "mapping", "9 days old", lambda doc: doc.update(age_days=9)),
]
