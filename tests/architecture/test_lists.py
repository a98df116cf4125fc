"""Lists that must agree, and what no kept file may hold."""

from __future__ import annotations

import re

import yaml

from tests.architecture.tree import ROOT, kept_files, modules

NOT_KINDS = {"contract", "simulators", "__pycache__"}
CODE = {".py", ".toml", ".yaml", ".yml", ".sh", ".json", ".html", ".js", ".mjs", ".css", ".md", ".txt", ".cfg", ""}
HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com", "deb.debian" + ".org")
WORKPLACE = re.compile(r"(?<![\w.<}@-])/(?:work|root|home|Users)/\w")


def kinds() -> set[str]:
    """The connector kinds: every folder of ``connectors/`` with something in it."""
    folders = (path for path in (ROOT / "connectors").iterdir() if path.is_dir() and path.name not in NOT_KINDS)
    return {folder.name for folder in folders if any(folder.glob("*.*"))}


def test_every_connector_has_a_manifest_that_names_it() -> None:
    named = {}
    for kind in kinds():
        manifest = ROOT / "connectors" / kind / "manifest.yaml"
        assert manifest.exists(), f"connectors/{kind} has no manifest.yaml"
        named[kind] = yaml.safe_load(manifest.read_text(encoding="utf-8")).get("kind")
    assert {kind for kind, said in named.items() if said != kind} == set()


def test_every_connector_has_its_tests_and_its_page() -> None:
    missing = [
        f"{kind}: {what}"
        for kind in sorted(kinds())
        for what in (f"tests/connectors/{kind}", f"connectors/{kind}/README.md")
        if not (ROOT / what).exists()
    ]
    assert missing == []


def test_every_mapping_is_of_a_connector_and_every_kind_with_a_desk_has_one() -> None:
    mapped = {path.stem for path in (ROOT / "mappings").glob("*.yaml")}
    assert mapped - kinds() == set()
    assert kinds() - mapped - {"rest"} == set()  # rest: the system no one wrote code for brings its own


def texts() -> list[tuple[str, str]]:
    kept = [path for path in kept_files() if path.suffix in CODE and path.name != "LICENSE"]
    return [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8", errors="replace")) for path in kept]


def test_no_file_names_a_package_registry() -> None:
    assert [f"{name}: {host}" for name, text in texts() for host in HOSTS if host in text] == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    assert [f"{name}: {found[0]}" for name, text in texts() if (found := WORKPLACE.search(text))] == []


def test_no_code_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplemented)\b")
    found = [f"{name}: {m[0]}" for name, text in texts() if name.endswith(".py") and (m := marks.search(text))]
    assert [line for line in found if "architecture" not in line] == []


def test_every_module_says_its_place() -> None:
    """Its docstring; an empty ``__init__`` has none to give."""
    silent = [m.name for m in modules("gateway", "connectors", "mappings") if m.tree.body and not says(m.tree.body[0])]
    assert [name for name in silent if "migrations.versions" not in name] == []


def says(node: object) -> bool:
    value = getattr(getattr(node, "value", None), "value", None)
    return isinstance(value, str) and bool(value.strip())
