"""The real tree, read without importing it: modules with their imports, and the files that git keeps."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "connectors", "mappings")


@dataclass(frozen=True)
class Module:
    """``name`` is dotted (``gateway.store.db``); ``tree`` its syntax."""

    name: str
    path: Path
    tree: ast.Module

    def imports(self) -> Iterator[tuple[str, int]]:
        """Everything it imports, with the line; ``from a import b`` is ``a.b``, be that a module or a name in one."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((f"{self._base(node)}.{alias.name}", node.lineno) for alias in node.names)

    def names(self) -> Iterator[tuple[str, int]]:
        """Every dotted name it uses, with the line: ``os.environ`` however deep it stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and (dotted := _dotted(node)):
                yield dotted, node.lineno

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".") if self.path.name == "__init__.py" else self.name.split(".")[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, node.module] if node.module else parts)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


@cache
def modules(*packages: str) -> tuple[Module, ...]:
    """The modules under the given packages (``gateway``, ``gateway.tickets``), those not there yet left out."""
    paths = [path for package in packages for path in sorted((ROOT / package.replace(".", "/")).rglob("*.py"))]
    return tuple(Module(_name(path), path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


def _name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def kept_files() -> tuple[Path, ...]:
    """The files git keeps or would keep, those deleted in the work tree left out."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(ROOT / line for line in sorted(set(listed.splitlines())) if (ROOT / line).is_file())


def within(name: str, package: str) -> bool:
    """Whether a dotted name is the package or lies in it."""
    return name == package or name.startswith(package + ".")
