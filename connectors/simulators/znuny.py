"""A loopback desk that speaks Znuny's GenericInterface over REST: written from the vendor's source and documentation.

Every error stands inside a 200, a search gives ids alone and ``{}`` for none, one ticket that may not be read fails the
whole list, moments are the server's own without a zone, a pending state wants its time. Its routes are those of the web
service in our guide: all by POST, since a GET would carry the password in its address; a GET is refused here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from connectors.simulators.desk import Cannot, Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response

Row = dict[str, Any]

ROOT = "/znuny/nph-genericinterface.pl/Webservice/Tandem/"
LIMIT = 500
"""Ids of a search when the caller does not say."""

STATES = {1: "new", 2: "closed successful", 3: "closed unsuccessful", 4: "open", 5: "removed", 6: "pending reminder"}
STATES |= {7: "pending auto close+", 8: "pending auto close-", 9: "merged"}
PRIORITIES = {1: "1 very low", 2: "2 low", 3: "3 normal", 4: "4 high", 5: "5 very high"}
QUEUES = {1: "Postmaster", 2: "Raw", 5: "Escalations"}
US, PAULA = 7, 8
USERS = {US: "tandem", PAULA: "paula"}


class Refused(Exception):
    """An error in Znuny's words; ``code`` without the operation's name."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class Znuny(Simulator):
    """``zone``: of the server. ``hidden``: tickets that our account may not read. ``fields``: dynamic fields there."""

    zone = "Europe/Madrid"

    def __init__(self, clock: Callable[[], Any], **more: Any) -> None:
        self.secrets = {"password": "znuny-password"}
        self.tickets: dict[int, Row] = {}
        self.hidden: set[int] = set()
        self.fields = {"TandemReference", "Impact"}
        self.sessions: set[str] = set()
        self.articles = 0
        self.open = True
        super().__init__(clock, **more)
        service = {"url": f"{self.url}/znuny/nph-genericinterface.pl", "login": "tandem", "zone": self.zone}
        self.settings = {**service, "queue": "Escalations", "customer": "desk@customer.example"}

    def now(self) -> str:
        """The server's own time."""
        return str(self.clock().astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M:%S"))

    # the API

    def answer(self, request: Request) -> Response:
        operation = request.path.removeprefix(ROOT)
        run = {
            "SessionCreate": self._session_create,
            "SessionGet": self._session_get,
            "TicketCreate": self._create,
            "TicketUpdate": self._update,
            "TicketGet": self._get,
            "TicketSearch": self._search,
        }.get(operation)
        if run is None or request.method != "POST" or request.query:
            return Response(500, b"REST Error while determine Operation for request URI", "text/plain")
        try:
            given = request.json()
            if operation != "SessionGet":
                self._authorize(operation, given)
            return Response.of(run(given))
        except Refused as no:
            error = {"ErrorCode": f"{operation}.{no.code}", "ErrorMessage": f"{operation}: {no}"}
            return Response.of({"Error": error})
        except ValueError:
            return Response(500, b"Error while decoding request content", "text/plain")

    def _authorize(self, operation: str, given: Row) -> None:
        wanted = ("tandem", self.secrets["password"])
        if not self.open or (given.get("UserLogin"), given.get("Password")) != wanted:
            raise Refused("AuthFail", "Authorization failing!")

    def _session_create(self, given: Row) -> Row:
        session = f"session-{len(self.sessions) + 1}"
        self.sessions.add(session)
        return {"SessionID": session}

    def _session_get(self, given: Row) -> Row:
        if given.get("SessionID") not in self.sessions:
            raise Refused("SessionInvalid", "SessionID is Invalid!")
        data = {"UserFirstname": "Tandem", "UserID": str(US), "UserLogin": USERS[US], "UserType": "User"}
        return {"SessionData": [{"Key": key, "Value": value} for key, value in sorted(data.items())]}

    def _create(self, given: Row) -> Row:
        id = self.add(US, given.get("Ticket") or {}, given)
        return {"TicketID": str(id), "TicketNumber": self.tickets[id]["TicketNumber"], "ArticleID": str(self.articles)}

    def _update(self, given: Row) -> Row:
        row = self._readable(int(given.get("TicketID") or 0))
        self.write(US, row, given.get("Ticket") or {}, given)
        told = {"TicketID": row["TicketID"], "TicketNumber": row["TicketNumber"]}
        return {**told, **({"ArticleID": str(self.articles)} if "Article" in given else {})}

    def _get(self, given: Row) -> Row:
        wanted = given.get("TicketID")
        if not wanted:
            raise Refused("MissingParameter", "TicketID parameter is missing!")
        ids = wanted if isinstance(wanted, list) else re.split(r"\s*,\s*", str(wanted))
        if not all(re.fullmatch(r"[1-9]\d*", str(id)) for id in ids):
            raise Refused("WrongStructure", "Invalid ticket ID parameter(s) found!")
        return {"Ticket": [self._shown(self._readable(int(id)), given) for id in ids]}

    def _search(self, given: Row) -> Row:
        """The ids of the tickets that fit; a filter that it does not know is no filter."""
        rows = [row for id, row in self.tickets.items() if id not in self.hidden]
        if newer := given.get("TicketLastChangeTimeNewerDate"):
            rows = [row for row in rows if row["Changed"] >= newer]
        for name in self.fields:
            if wanted := (given.get(f"DynamicField_{name}") or {}).get("Equals"):
                rows = [row for row in rows if row["dynamic"].get(name) == wanted]
        if given.get("SortBy") == "Changed":
            rows.sort(key=lambda row: (row["Changed"], int(row["TicketID"])))
        rows = rows if given.get("OrderBy") == "Up" else rows[::-1]
        ids = [row["TicketID"] for row in rows[: int(given.get("Limit") or LIMIT)]]
        return {"TicketID": ids} if ids else {}

    def _readable(self, id: int) -> Row:
        if id not in self.tickets or id in self.hidden:
            raise Refused("AccessDenied", "User does not have access to the ticket!")
        return self.tickets[id]

    def _shown(self, row: Row, given: Row) -> Row:
        shown = {name: value for name, value in row.items() if name not in ("dynamic", "articles")}
        shown["TimeUnit"] = str(sum(int(each["TimeUnit"] or 0) for each in row["articles"]))
        if str(given.get("DynamicFields", 0)) == "1":
            fields = [{"Name": name, "Value": row["dynamic"].get(name)} for name in sorted(self.fields)]
            shown["DynamicField"] = fields
        if str(given.get("AllArticles", 0)) == "1":
            contents = str(given.get("GetAttachmentContents", 1)) == "1"
            attached = str(given.get("Attachments", 0)) == "1"
            shown["Article"] = [_article(each, attached, contents) for each in row["articles"]]
        return shown

    # state

    def add(self, by: int, given: Mapping[str, Any], around: Mapping[str, Any]) -> int:
        """A ticket with its first article; raises ``Refused``."""
        for name in ("Title", "Queue", "State", "Priority", "CustomerUser"):
            if not given.get(name):
                raise Refused("MissingParameter", f"Ticket->{name} parameter is missing!")
        for name in ("Subject", "Body", "ContentType"):
            if not (around.get("Article") or {}).get(name):
                raise Refused("MissingParameter", f"Article->{name} parameter is missing!")
        id, now = len(self.tickets) + 1, self.now()
        row: Row = {"TicketID": str(id), "TicketNumber": f"20261121{id:06}", "Owner": "root@localhost", "OwnerID": "1"}
        row |= {
            "Created": now,
            "CreateBy": str(by),
            "dynamic": {},
            "articles": [],
            "Type": "Unclassified",
            "Lock": "unlock",
        }
        row |= {"StateID": "1", "State": "new", "PriorityID": "3", "Service": ""}
        self.write(by, row, given, around)
        self.tickets[id] = row
        return id

    def write(self, by: int, row: Row, given: Mapping[str, Any], around: Mapping[str, Any]) -> None:
        """Changes a ticket, or nothing of it; raises ``Refused``."""
        new: Row = {}
        for name, values in (("State", STATES), ("Priority", PRIORITIES), ("Queue", QUEUES)):
            if name in given:
                number = next((id for id, value in values.items() if value == given[name]), None)
                if number is None:
                    raise Refused("InvalidParameter", f"Ticket->{name}ID or Ticket->{name} parameter is invalid!")
                new |= {name: given[name], f"{name}ID": str(number)}
        if str(new.get("State", "")).startswith("pending") and not given.get("PendingTime"):
            raise Refused("MissingParameter", "Ticket->PendingTime parameter is missing!")
        new |= {name: given[name] for name in ("Title", "Type", "Service", "Owner") if name in given}
        if "CustomerUser" in given:
            new["CustomerUserID"] = given["CustomerUser"]
        dynamic = around.get("DynamicField") or []
        for each in dynamic if isinstance(dynamic, list) else [dynamic]:
            if each["Name"] not in self.fields:
                raise Refused("InvalidParameter", "DynamicField->Name parameter is invalid!")
        row |= new
        row["dynamic"] |= {each["Name"]: each["Value"] for each in dynamic}
        if around.get("Article"):
            row["articles"].append(self._said(by, around))
        row |= {"Changed": self.now(), "ChangeBy": str(by)}

    def _said(self, by: int, around: Mapping[str, Any]) -> Row:
        given = around["Article"]
        self.articles += 1
        row = {
            "ArticleID": str(self.articles),
            "SenderType": given.get("SenderType", "agent"),
            "Subject": given["Subject"],
        }
        row |= {
            "Body": given["Body"],
            "ContentType": given["ContentType"],
            "MimeType": "text/plain",
            "Charset": "utf-8",
        }
        row |= {"IsVisibleForCustomer": str(given.get("IsVisibleForCustomer", 0)), "CreateBy": str(by)}
        row |= {"TimeUnit": given.get("TimeUnit"), "CreateTime": self.now(), "From": USERS[by]}
        held = around.get("Attachment") or []
        held = held if isinstance(held, list) else [held]
        return {**row, "held": [{**each, "FileID": str(at)} for at, each in enumerate(held, 1)]}

    # webhooks: there are none

    def sign(self, body: bytes, delivery: str) -> NoReturn:
        raise Cannot("Znuny sends no webhooks")

    # the people there

    def open_record(self, title: str) -> str:
        ticket = {
            "Title": title,
            "Queue": "Escalations",
            "State": "new",
            "Priority": "3 normal",
            "CustomerUser": "carl",
        }
        return str(self.add(PAULA, ticket, _note(title, True)))

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        dynamic = [
            {"Name": n.removeprefix("dynamic:"), "Value": v} for n, v in values.items() if n.startswith("dynamic:")
        ]
        plain = {name: value for name, value in values.items() if not name.startswith("dynamic:")}
        pending = {"PendingTime": {"Diff": 60}}
        self.write(PAULA, self.tickets[int(id)], {**pending, **plain}, {"DynamicField": dynamic})

    def shows(self, id: str) -> Mapping[str, Any]:
        return self._shown(self.tickets[int(id)], {"DynamicFields": 1})

    def ids(self) -> list[str]:
        return [str(id) for id in self.tickets]

    def say(self, id: str, text: str, public: bool) -> str:
        self.write(PAULA, self.tickets[int(id)], {}, _note(text, public))
        return str(self.articles)

    def said(self, id: str) -> list[Said]:
        later = [row for row in self.tickets[int(id)]["articles"][1:] if not (row["held"] or row["TimeUnit"])]
        return [Said(row["ArticleID"], row["From"], row["Body"], row["IsVisibleForCustomer"] == "1") for row in later]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        content = base64.b64encode(data).decode()
        file = {"Content": content, "ContentType": "application/octet-stream", "Filename": name}
        self.write(PAULA, self.tickets[int(id)], {}, {**_note("see there", public), "Attachment": [file]})
        return f"{self.articles}-1"

    def kept(self, id: str) -> list[Kept]:
        return [
            Kept(
                f"{row['ArticleID']}-{each['FileID']}",
                each["Filename"],
                base64.b64decode(each["Content"]),
                row["IsVisibleForCustomer"] == "1",
            )
            for row in self.tickets[int(id)]["articles"]
            for each in row["held"]
        ]

    def spent(self, id: str) -> list[int]:
        return [int(row["TimeUnit"]) for row in self.tickets[int(id)]["articles"] if row["TimeUnit"]]

    def remove(self, id: str) -> None:
        """Nothing is deleted there: it is removed from sight."""
        self.change(id, {"State": "removed"})

    def revoke(self) -> None:
        self.open = False


def _article(row: Row, attached: bool, contents: bool) -> Row:
    shown = {name: value for name, value in row.items() if name != "held"}
    if attached and row["held"]:
        sized = [{**each, "FilesizeRaw": str(len(base64.b64decode(each["Content"])))} for each in row["held"]]
        shown["Attachment"] = [each if contents else {**each, "Content": ""} for each in sized]
    return shown


def _note(text: str, public: bool) -> Row:
    article = {"Subject": text[:50] or "-", "Body": text, "ContentType": "text/plain; charset=utf8"}
    return {"Article": {**article, "SenderType": "agent", "IsVisibleForCustomer": int(public)}}
