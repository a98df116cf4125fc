"""Request Tracker and Redmine themselves as desks of the contract: paula at work in them, and their administrators."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from connectors.simulators.desk import Cannot, Kept, Said
from tests.live.front import SECRET, Front
from tests.live.peers import Redmine, RequestTracker
from tests.live.provider import SPOKEN, Paula

Row = dict[str, Any]


class RealTracker(Front[RequestTracker]):
    """A queue in a Request Tracker."""

    kind = "rt"

    def settle_in(self) -> None:
        self.theirs("POST", "/queue", {"Name": self.name}, "root")
        self.paula = Paula(self.server)
        self.settings = {"url": self.url, "queue": self.name, "login": "gateway"}
        self.secrets = {"token": self.server.secrets["gateway"], "webhook": SECRET}

    def open_record(self, title: str) -> str:
        return str(self.theirs("POST", "/ticket", {"Queue": self.name, "Subject": title})["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        self.paula.change(id, None, **values)

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.paula.ticket(id)

    def ids(self) -> list[str]:
        return [str(row["id"]) for row in self.paula._all("/tickets", "Subject", query=f"Queue = '{self.name}'")]

    def say(self, id: str, text: str, public: bool) -> str:
        how = "correspond" if public else "comment"
        body = {"Content": text, "ContentType": "text/plain"}
        reply = self.server.call("POST", f"/ticket/{id}/{how}", body)
        assert reply.status_code == 201, reply.text
        return reply.headers["Location"].rpartition("/")[2]

    def said(self, id: str) -> list[Said]:
        spoken = [one for one in self.paula.said(id) if not one.name]
        return [Said(one.id, one.author, one.text, one.type == "Correspond") for one in spoken]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        self.paula.attach(id, name, data, "application/octet-stream", public=public)
        return self.kept(id)[-1].id

    def kept(self, id: str) -> list[Kept]:
        kinds = {str(row["id"]): row["Type"] for row in self.paula._all(f"/ticket/{id}/history", "Type")}
        parts = self.paula._all(f"/ticket/{id}/attachments", "Filename,TransactionId")
        return [
            Kept(str(p["id"]), p["Filename"], self.paula.content(str(p["id"])), kind == "Correspond")
            for p in parts
            if p.get("Filename") and (kind := kinds[str(p["TransactionId"])]) in SPOKEN
        ]

    def spent(self, id: str) -> list[int]:
        booked = [int(row.get("TimeTaken") or 0) for row in self.paula._all(f"/ticket/{id}/history", "TimeTaken")]
        return [minutes for minutes in booked if minutes]

    def remove(self, id: str) -> None:
        self.theirs("PUT", f"/ticket/{id}", {"Status": "deleted"}, "root")

    def move(self, id: str) -> None:
        self.theirs("PUT", f"/ticket/{id}", {"Queue": "Field Service"}, "root")

    def revoke(self) -> None:
        """The account is disabled, as an administrator would."""
        self.theirs("PUT", "/user/gateway", {"Disabled": 1}, "root")
        self._undo.append(lambda: self.theirs("PUT", "/user/gateway", {"Disabled": 0}, "root"))


class RealRedmine(Front[Redmine]):
    """A project in a Redmine."""

    kind = "redmine"

    def settle_in(self) -> None:
        self.home = self.theirs("GET", "/projects/escalations.json", who="admin")["project"]["id"]
        self._project(self.name)
        category = {"issue_category": {"name": "Network"}}
        self.theirs("POST", f"/projects/{self.name}/issue_categories.json", category, "admin")
        self.settings = {"url": self.url, "project": self.name, "tracker": 1, "reference_field": 1, "activity": 9}
        self.secrets = {"key": self.server.secrets["gateway"], "webhook": SECRET}

    def _project(self, name: str) -> int:
        """A project with escalations' members."""
        project = {"name": name, "identifier": name, "parent_id": self.home, "inherit_members": True}
        project |= {"enabled_module_names": ["issue_tracking", "time_tracking"], "tracker_ids": [1, 2, 3]}
        return int(self.theirs("POST", "/projects.json", {"project": project}, "admin")["project"]["id"])

    def open_record(self, title: str) -> str:
        issue = {"project_id": self.name, "tracker_id": 1, "subject": title}
        return str(self.theirs("POST", "/issues.json", {"issue": issue})["issue"]["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        self._put(id, dict(values))

    def _put(self, id: str, values: Row, who: str = "paula") -> None:
        self.theirs("PUT", f"/issues/{id}.json", {"issue": values}, who)

    def shows(self, id: str) -> Mapping[str, Any]:
        query = {"include": "journals,attachments"}
        found: Row = self.theirs("GET", f"/issues/{id}.json", who="admin", params=query)["issue"]
        return found

    def ids(self) -> list[str]:
        return [str(row["id"]) for row in self._issues()]

    def _issues(self) -> Iterator[Row]:
        for offset in range(0, 10_000, 100):
            page = {"project_id": self.name, "status_id": "*", "limit": 100, "offset": offset, "sort": "id"}
            rows = self.theirs("GET", "/issues.json", params=page)["issues"]
            yield from rows
            if len(rows) < 100:
                return

    def _journals(self, id: str) -> list[Row]:
        return [journal for journal in self.shows(id)["journals"] if journal["notes"]]

    def say(self, id: str, text: str, public: bool) -> str:
        self._put(id, {"notes": text, "private_notes": not public})
        return str(self._sql("select max(id) from journals where journalized_id = ?", [id])[0][0])

    def said(self, id: str) -> list[Said]:
        return [Said(str(j["id"]), j["user"]["name"], j["notes"], not j["private_notes"]) for j in self._journals(id)]

    def edit(self, id: str, comment: str, text: str | None) -> None:
        """A note that is blanked is a note deleted."""
        self.theirs("PUT", f"/journals/{comment}.json", {"journal": {"notes": text or ""}}, "admin")

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        if not public:
            raise Cannot("Redmine has no private file")
        mime = {"Content-Type": "application/octet-stream"}
        sent = self.theirs("POST", "/uploads.json", params={"filename": name}, data=data, headers=mime)["upload"]
        self._put(id, {"uploads": [{"token": sent["token"], "filename": name}]})
        return str(sent["id"])

    def kept(self, id: str) -> list[Kept]:
        return [Kept(str(f["id"]), f["filename"], self._bytes(f["id"]), True) for f in self.shows(id)["attachments"]]

    def _bytes(self, file: int) -> bytes:
        return self.server.call("GET", f"/attachments/download/{file}", who="admin").content

    def spent(self, id: str) -> list[int]:
        entries = self.theirs("GET", "/time_entries.json", who="admin", params={"issue_id": id})["time_entries"]
        return [round(each["hours"] * 60) for each in entries]

    def remove(self, id: str) -> None:
        self.theirs("DELETE", f"/issues/{id}.json", who="admin")

    def move(self, id: str) -> None:
        self._put(id, {"project_id": self._project(f"{self.name}-elsewhere")}, "admin")

    def revoke(self) -> None:
        """The account is locked, as an administrator would."""
        me = self.theirs("GET", "/users/current.json", who="gateway")["user"]["id"]
        self.theirs("PUT", f"/users/{me}.json", {"user": {"status": 3}}, "admin")
        self._undo.append(lambda: self.theirs("PUT", f"/users/{me}.json", {"user": {"status": 1}}, "admin"))

    def at_once(self, ids: list[str]) -> None:
        """All of these changed in the same second: written into the database, where it can be so."""
        marks = ", ".join("?" * len(ids))
        ((latest,),) = self._sql(f"select max(updated_on) from issues where id in ({marks})", ids)
        self._sql(f"update issues set updated_on = ? where id in ({marks})", [latest, *ids])

    def _sql(self, statement: str, given: list[str]) -> list[Any]:
        with closing(sqlite3.connect(self.server.home / "db/redmine.sqlite3", timeout=30)) as database, database:
            return database.execute(statement, given).fetchall()
