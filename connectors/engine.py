"""What all verbs of a manifest-run desk stand on: its names, its address, one call, and the connection itself.

A connector holds no state but what the desk gave it (found values, a token, the pace) and does no network until a verb
is called; one object serves many threads. A hook replaces one step; outcomes, limits and the audience check stay here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from connectors import items, pages, paths
from connectors.base import Catalogue, Context, Found, Json, Record
from connectors.calls import Ask, Desk, Reply, call
from connectors.catalogue import build_catalogue
from connectors.errors import Gone, Refused, Unauthorized, Unsupported
from connectors.items import Items
from connectors.manifest import Manifest
from connectors.pace import Pace
from connectors.pages import Position
from connectors.paths import ABSENT, plain
from connectors.prepare import Places, base_of
from connectors.records import Records
from connectors.session import REPLY_CAP
from connectors.signin import Renewal, SignIn
from connectors.templates import Missing, Names, parse
from connectors.traits import Traits
from connectors.workflow import HOPS


class Engine(Traits):
    """A desk spoken to by ``manifest``. ``settings``, ``secrets`` and ``found`` are values by plain name."""

    def __init__(
        self,
        manifest: Manifest,
        *,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str],
        found: Mapping[str, str],
        auth: Mapping[str, Any],
        verify: Mapping[str, Any],
        renewal: Renewal | None = None,
        lists: Mapping[str, Json] | None = None,
        declared: Mapping[str, Json] | None = None,
    ) -> None:
        plain_names = {f"settings.{name}": value for name, value in settings.items()}
        super().__init__(manifest, plain_names)
        self._hooks: Any = manifest.hooks(self) if manifest.hooks else None
        self._verify = verify
        self.webhook_secrets: Mapping[str, str] = dict(secrets)
        workflow = (declared or {}).get("workflow") or manifest.part("workflow")
        self.workflow: Mapping[str, Any] = {**workflow, "hops": int(workflow.get("hops", HOPS))}
        self._secrets = {f"secret.{name}": value for name, value in secrets.items()}
        self._found = {f"found.{name}": value for name, value in found.items()}
        self._where: tuple[Any, Places] = (None, Places(""))
        self._records = Records(manifest, plain_names, lists, declared)
        self._pace = Pace(manifest.part("limits"))
        self._desk = Desk(
            places=self._places,
            names=self._names,
            headers=manifest.part("headers"),
            signin=SignIn(auth, self._secrets, renewal),
            errors=manifest.part("errors"),
            pace=self._pace,
            unwrap=getattr(self._hooks, "unwrap", None),
        )
        self._items = Items(
            manifest.part("items"),
            {name: channel.reaches for name, channel in self.channels.items()},
            self._records.times,
            self.text_format,
        )

    def ask(self, ctx: Context, spec: Mapping[str, Any], names: Names, cap: int = REPLY_CAP) -> Reply:
        """One read as the engine makes it: for hooks. ``spec`` is a call as in a manifest; ``cap``: the most bytes of
        its reply. Raises an ``Outcome``."""
        return self._call(ctx, Ask(spec, "fetch", names, cap=cap))

    def decode(self, doc: Any, headers: Mapping[str, str] | None = None) -> Record:
        """A record as this document shows it, without its items. Raises ValueError where it has no id."""
        return self._records.decode(doc, self._names(), headers)

    @property
    def names_of_ours(self) -> frozenset[str]:
        """The names of our own account, as ``check`` found them."""
        return frozenset(v for k, v in self._found.items() if k == "found.me" or k.startswith("found.me_"))

    def _names(self) -> dict[str, Any]:
        return {**self._settings, **self._found, **self._secrets}

    def _places(self) -> Places:
        found, places = self._where
        if found is not self._found:
            found = self._found
            places = _places(self._manifest, self._names())
            self._where = (found, places)
        return places

    def _call(self, ctx: Context, ask: Ask) -> Reply:
        """One call; where the desk's address itself was found, a refusal may mean that it moved: look again, once."""
        try:
            return call(self._desk, ctx, ask)
        except (Gone, Unauthorized):
            if "{found." not in self._manifest.doc["base"] or ask.verb == "check":
                raise
            before = dict(self._found)
            self.check(ctx)
            if self._found == before:
                raise
        return call(self._desk, ctx, ask)

    def _spec(self, verb: str) -> Mapping[str, Any]:
        spec = self._manifest.part("calls", verb)
        if not spec:
            raise Unsupported(self.cannot.get(verb, f"{self.kind} has no {verb}"))
        return cast(Mapping[str, Any], spec)

    def slow_until(self) -> float:
        return self._pace.until()

    def _page(self, ctx: Context, spec: Mapping[str, Any], verb: str, names: Names, at: Position) -> Reply:
        """One page of a list or feed."""
        names = {**names, **at.names(pages.size(spec.get("page", {})))}
        if at.url is None:
            return self._call(ctx, Ask(spec, verb, names))
        places = self._places()
        return self._call(ctx, Ask(spec, verb, names, url=places.follow(places.base + "/", at.url)))

    def _rows(self, ctx: Context, spec: Mapping[str, Any], verb: str, names: Names) -> list[Any]:
        every = pages.every(spec.get("page", {}), lambda at: self._page(ctx, spec, verb, names, at), spec["items"])
        return [row for _, rows in every for _, row in rows]

    def check(self, ctx: Context) -> Found:
        reply = self._call(ctx, Ask(self._spec("check"), "check", {}))
        told = {
            name: text
            for name, value in {**(reply.first or {}), **(reply.taken or {})}.items()
            if (text := plain(value))
        }
        me = frozenset(text for name, text in told.items() if name == "me" or name.startswith("me_"))
        if not me:
            looked = [str(where) for name, where in self._spec("check").get("take", {}).items() if name[:2] == "me"]
            raise Refused(f"the desk does not show our own account ({', '.join(looked)}): check login, rights and `me`")
        for name, text in told.items():
            if self._found.get(f"found.{name}") != text:
                ctx.keep(f"found.{name}", text)
        self._found = {**self._found, **{f"found.{name}": text for name, text in told.items()}}
        return Found(me, told, told.get("remote", ""))

    def lists(self, ctx: Context) -> Mapping[str, Json]:
        """Per list its rows ``{id, label, type, values}``; a list the desk does not let us read is absent. A list whose
        values differ by another field (``per``) is read once for each row of that field's list, as ``{parent.id}``."""
        found: dict[str, Json] = {}
        for name, spec in self._manifest.part("lists").items():
            try:
                found[name] = [
                    {**_listed(spec, row), **around}
                    for around in self._around(name, found)
                    for row in self._rows(ctx, spec, "describe", {"parent.id": around.get("per")})
                    if items.wanted(spec, row)
                ]
            except (Refused, Gone, Unsupported, OverflowError) as error:
                ctx.log.warning("the list %s of %s cannot be read: %s", name, self.kind, error)
        return found

    def _around(self, name: str, found: Mapping[str, Json]) -> list[dict[str, str]]:
        """What a list is read for, one by one: ``{per: id}`` where a field of this list has ``per``, else once."""
        fields = self._manifest.part("fields")
        for spec in fields.values():
            if spec.get("live") == name and "per" in spec:
                return [{"per": row["id"]} for row in found.get(fields[spec["per"]].get("live", ""), [])]
        return [{}]

    def catalogue(
        self, lists: Mapping[str, Json] | None = None, declared: Mapping[str, Json] | None = None
    ) -> Catalogue:
        return build_catalogue(self._manifest, self._settings, lists or {}, declared or {})

    def describe(self, ctx: Context) -> Catalogue:
        return self.catalogue(self.lists(ctx))


def _places(manifest: Manifest, names: Names) -> Places:
    """Where this desk is, as far as it is known: a base that ``check`` must find first is empty until then."""
    specs: dict[str, Any] = dict(manifest.part("settings"))
    for choice in manifest.part("auth").values():
        specs |= choice.get("settings", {})
    of = {
        kind: frozenset(f"settings.{name}" for name, s in specs.items() if s["type"] == kind) for kind in ("url", "raw")
    }
    hosts = tuple(parse(host).text(names) for host in manifest.part("hosts") or ())
    given = tuple(str(names[name]) for name in sorted(of["url"]) if names.get(name))
    try:
        text = base_of(manifest.doc["base"], names, of["url"], hosts, given)
    except Missing:
        text = ""
    return Places(text, hosts, of["url"], of["raw"], given)


def _listed(spec: Mapping[str, Any], row: Any) -> dict[str, Any]:
    """A row of a list, flat."""
    reply = paths.Reply(row)
    told = {key: paths.source(spec[key], reply) for key in ("id", "label", "type", "values") if key in spec}
    values = told.get("values")
    return {
        "id": plain(told["id"]) or "",
        "label": plain(told.get("label", ABSENT)) or plain(told["id"]) or "",
        "type": plain(told.get("type", ABSENT)) or "",
        "values": [text for each in values if (text := plain(each))] if isinstance(values, list) else [],
    }
