"""Paula, the provider's agent, at work in her own Request Tracker; and what that RT shows to anybody who looks.

She uses RT's interface as herself and knows nothing of Tandem. What she sees is read here without any code of ours, so
that a comparison of both sides does not lean on the connector it is meant to try.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.live.peers import RequestTracker

SPOKEN = ("Correspond", "Comment")
UNSET = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Said:
    """One thing said or attached on a ticket: the transaction's type and author; ``name`` of a file, else empty;
    ``sha256`` of a file's bytes; ``minutes`` of time booked with it."""

    id: str
    type: str
    author: str
    text: str
    name: str = ""
    sha256: str = ""
    minutes: int = 0


class Paula:
    """She acts with her own token."""

    def __init__(self, server: RequestTracker, who: str = "paula") -> None:
        self.server, self.who = server, who
        self.calls = 0

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        self.calls += 1
        answer = self.server.call(method, path, body, self.who, **options)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    # -- what she does

    def reply(self, id: str, text: str) -> None:
        """Tell the requester, too."""
        self.ask("POST", f"/ticket/{id}/correspond", {"Content": text, "ContentType": "text/plain"})

    def note(self, id: str, text: str, minutes: int = 0) -> None:
        """Tell her colleagues, and Tandem's people."""
        body: dict[str, Any] = {"Content": text, "ContentType": "text/plain"}
        if minutes:
            body["TimeTaken"] = str(minutes)
        self.ask("POST", f"/ticket/{id}/comment", body)

    def attach(self, id: str, name: str, content: bytes, mime: str, text: str = "", public: bool = True) -> None:
        """As a browser does it."""
        parts = {
            "JSON": (None, json.dumps({"Content": text, "ContentType": "text/plain"}), "application/json"),
            "Attachments": (name, content, mime),
        }
        self.ask("POST", f"/ticket/{id}/{'correspond' if public else 'comment'}", files=parts)

    def change(self, id: str, custom: Mapping[str, Any] | None = None, **fields: Any) -> list[str]:
        """RT's sentences about it."""
        said: list[str] = self.ask("PUT", f"/ticket/{id}", {**fields, **({"CustomFields": custom} if custom else {})})
        return said

    # -- what is to be seen

    def ticket(self, id: str) -> dict[str, Any]:
        doc: dict[str, Any] = self.ask("GET", f"/ticket/{id}")
        return doc

    def fields(self, id: str) -> dict[str, Any]:
        """The fields that matter here, by RT's names, custom ones among them."""
        doc = self.ticket(id)
        custom = {each["name"]: each["values"] for each in doc["CustomFields"]}
        return {
            "Subject": doc["Subject"],
            "Status": doc["Status"],
            "Priority": doc["Priority"],
            "Owner": doc["Owner"]["id"],
            "Due": None if doc["Due"] == UNSET else doc["Due"],
            "Impact": (custom["Impact"] or [""])[0],
            "Urgency": (custom["Urgency"] or [""])[0],
            "Asset Tag": sorted(custom["Asset Tag"]),
            "External Reference": (custom["External Reference"] or [""])[0],
        }

    def made(self) -> list[dict[str, Any]]:
        """The id of every ticket, as rows."""
        return self._all("/tickets", "Subject", query="id > 0")

    def said(self, id: str) -> list[Said]:
        """Everything people said or attached, in order; not the first transaction, the ticket's own text."""
        history = self._all(f"/ticket/{id}/history", "Type,Creator,TimeTaken")
        parts = self._all(f"/ticket/{id}/attachments", "Filename,ContentType,TransactionId,Content")
        found: list[Said] = []
        for row in sorted((r for r in history if r["Type"] in SPOKEN), key=lambda r: int(r["id"])):
            about = (str(row["id"]), row["Type"], row["Creator"]["id"])
            minutes = int(row.get("TimeTaken") or 0)
            for part in parts:
                if str(part["TransactionId"]) != str(row["id"]):
                    continue
                if part.get("Filename"):
                    content = self.content(str(part["id"]))
                    found.append(Said(*about, "", part["Filename"], hashlib.sha256(content).hexdigest(), minutes))
                elif part.get("ContentType", "").startswith("text/"):
                    found.append(Said(*about, part["Content"], minutes=minutes))
        return found

    def content(self, attachment: str) -> bytes:
        doc = self.ask("GET", f"/attachment/{attachment}")
        return base64.b64decode(doc.get("Content") or "")

    def _all(self, path: str, fields: str, **query: str) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for page in range(1, 100):
            rows = self.ask("GET", path, params={"fields": fields, "per_page": 100, "page": page, **query})["items"]
            new = {str(row["id"]): row for row in rows if str(row["id"]) not in found}
            found |= new
            if len(new) < 100:
                break
        return list(found.values())
