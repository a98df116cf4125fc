"""Write the first migration again from ``gateway/store/tables.py``: ``python scripts/migration.py``.

There is one migration until the first release; from then on this script is history and changes get migrations of their
own. The file is explicit: it must create the same tables for ever, whatever ``tables.py`` says later.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gateway.store.tables import APPEND_ONLY, metadata  # noqa: E402

TARGET = ROOT / "gateway" / "store" / "migrations" / "versions" / "0001_first.py"

HEADER = '''"""The first tables, and the triggers that let the audit trail only be added to.

Written by scripts/migration.py.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Table -> columns that stay as they are, columns that an update (erasure) may only make empty.
APPEND_ONLY = {columns}


def upgrade() -> None:
    _create()
    for table, (fixed, blanked) in APPEND_ONLY.items():
        kept = [f"new.{{c}} = old.{{c}}" for c in fixed] + [f"length(new.{{c}}) = 0" for c in blanked]
        allowed = " and ".join(kept) if blanked else "false"
        (_sqlite if op.get_bind().dialect.name == "sqlite" else _postgresql)(table, allowed)


def _sqlite(table: str, allowed: str) -> None:
    refuse = f"begin select raise(abort, '{{table}} is only ever added to'); end"
    op.execute(f"create trigger {{table}}_update before update on {{table}} when not ({{allowed}}) {{refuse}}")
    op.execute(f"create trigger {{table}}_delete before delete on {{table}} {{refuse}}")


def _postgresql(table: str, allowed: str) -> None:
    op.execute(
        f"create function {{table}}_refuse() returns trigger language plpgsql as "
        f"$$begin raise exception '{{table}} is only ever added to' using errcode = '42501'; end$$"
    )
    row = "for each row"
    run = f"execute function {{table}}_refuse()"
    op.execute(f"create trigger {{table}}_update before update on {{table}} {{row}} when (not ({{allowed}})) {{run}}")
    op.execute(f"create trigger {{table}}_delete before delete on {{table}} {{row}} {{run}}")
    op.execute(f"create trigger {{table}}_truncate before truncate on {{table}} for each statement {{run}}")


def _create() -> None:
'''


def append_only() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {
        table: (fixed, tuple(c.name for c in metadata.tables[table].columns if c.name not in fixed))
        for table, fixed in APPEND_ONLY.items()
    }


def main() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as conn:
        operations = produce_migrations(MigrationContext.configure(conn), metadata).upgrade_ops
    assert operations is not None
    code = [line for line in render_python_code(operations).splitlines() if not line.strip().startswith("# ###")]
    header = HEADER.format(columns=repr(append_only()))
    TARGET.write_text(header + "    " + "\n".join(code).strip() + "\n")
    for tool in (["format", "--quiet"], ["check", "--fix", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *tool, str(TARGET)], check=True)


if __name__ == "__main__":
    main()
