"""Every code a complaint may carry: how severe, what goes wrong for somebody if it is let through, and the way out.

One table, so that documentation, tests and checks name the same list (MAPPINGS.md section 3).
"""

from __future__ import annotations

from typing import NamedTuple

from mappings.model import Complaint


class Code(NamedTuple):
    """``severity``: E cannot be published, W is accepted by name."""

    severity: str
    example: str
    fix: str


CODES: dict[str, Code] = {
    "M001": Code("E", "`due` twice: one silently wins", "write it plainly"),
    "M002": Code("E", "`feild: Due`: nothing is mapped", "use a key the language has"),
    "M003": Code("E", "`direction: outward` would be read as the default", "use a word the language has"),
    "M005": Code("E", "inherited rules are missing", "extend the connector's default"),
    "M006": Code("W", "hides a later change of the default", "remove it"),
    "M007": Code("E", "the mapping does not do what its author expects", "mend one of them"),
    "M010": Code("E", "`assignees` never syncs", "use a field of the vocabulary"),
    "M011": Code("E", "Request Tracker ignores unknown fields with a 200", "use a name of the catalogue"),
    "M012": Code("E", "`pending_requestor` is no status", "use a value of the vocabulary"),
    "M013": Code("E", "`staled` never matches", "use a value of theirs"),
    "M014": Code("E", 'which of two "High" is written?', "write the id"),
    "M016": Code("E", "a changed tag vanishes without a word", "map it or say under `unsupported` why not"),
    "M020": Code("E", "a time written to text reads back as text", "a table or a transform"),
    "M021": Code("E", "a title of 101 characters at ConnectWise: refused", "`overlong: comment`, `attach` or `hold`"),
    "M022": Code("E", "due shifts by a day", "right parameters"),
    "M023": Code("E", 'the tag "vip user" as a Jira label', "`transform: {spaces: _}`"),
    "M025": Code("E", "assets [A, B]", '`transform: first` or `{join: ", "}`'),
    "M030": Code("E", "they choose it: the field is held for ever", "add the row"),
    "M031": Code("E", "we set it: nothing is sent", "`write:` it, or `[]`"),
    "M032": Code("E", "cancelled: rejected or deleted?", "name one under `write`"),
    "M033": Code("W", "we resolve, they see open", "drop the row"),
    "M040": Code("E", "heal, re-link or a second hub moves their ticket", "align the two rows"),
    "M041": Code("W", "closed shows as resolved; their next status edit makes it so", "accept the loss by name"),
    "M042": Code("E", "high x medium -> P2 -> Urgent -> urgency high -> P1 -> ...", "a field of its own"),
    "M043": Code("E", "they set P1 on low x low, ours says P5 again", "`direction: out`"),
    "M044": Code("E", "they take turns", "one of them `direction: in`"),
    "M045": Code("E", "ServiceNow's priority: written, ignored, noticed for ever", "`in`, `out` or unsupported"),
    "M046": Code("E", 'a comment of theirs makes their old title "newer"', "`ours`, `theirs` or `ask`"),
    "M050": Code("E", "we resolve a new ticket: refused", "another value, more `hops`, less `avoid`"),
    "M051": Code("W", "they close, we reopen: a notice", "accept it, or change their workflow"),
    "M052": Code("E", "resolved without a close code: 403", "give it under `defaults`"),
    "M055": Code("E", "moved to board Network: status unmapped", "add the table"),
    "M060": Code("E", "an escalation is refused", "give it under `defaults`"),
    "M062": Code("E", "a lost answer to a create: two records", "another field"),
    "M063": Code("W", "description edited later stays old there", "accept it"),
    "M070": Code("E", "paula is nobody here, always", "`match` or `values`"),
    "M073": Code("W", "Atlassian hides e-mails", "`values` for the people who matter"),
    "M080": Code("E", '"do not tell them yet" is told', "a narrower channel, or `ignore`"),
    "M081": Code("E", "answers never arrive, and nobody knows", "add the row"),
    "M082": Code("E", "the serialiser is lied to", "say who reads it"),
    "M083": Code("E", "a technician's remark in the requester's portal", "`provider`"),
    "M084": Code("E", "a screenshot of a private note seen by the requester", "the true `reaches`"),
    "M085": Code("W", "a placeholder instead of the file", "accept it"),
    "M090": Code("W", "mapped, never sent", "the policy, or `direction: in`"),
    "M091": Code("E", "resolution text leaks inside the description", "leave it out"),
    "M100": Code("E", "`description + 1`", "see the expression's own line and column"),
    "M101": Code("E", "an expression has no inverse", "`direction: in` or `out`"),
    "M110": Code("W", "reachability is not proved", "rights for `describe`, or declare it"),
    "M111": Code("E", 'they add "Waiting-Vendor-2"', "add the row"),
}


def complaint(
    file: str, line: int, col: int, code: str, cause: str, *, severity: str = "", fix: str = "", example: str = ""
) -> Complaint:
    """A complaint with the code's own severity, example and fix where none is given."""
    of = CODES[code]
    return Complaint(file, line, col, severity or of.severity, code, cause, example or of.example, fix or of.fix)
