"""A room says nothing of its state and slow mode where it is as its site says, in SQLite's way.

A column can't become one that may be empty but by building its table anew, and others refer to it.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_COLUMNS = (("state", "VARCHAR(16)", "'open'"), ("slow_mode_s", "INTEGER", "0"))


def upgrade() -> None:
    for name, kind, usual in _COLUMNS:
        op.execute(f"ALTER TABLE rooms ADD COLUMN said_{name} {kind}")
        op.execute(f"UPDATE rooms SET said_{name} = {name} WHERE {name} <> {usual}")
        op.execute(f"ALTER TABLE rooms DROP COLUMN {name}")
        op.execute(f"ALTER TABLE rooms RENAME COLUMN said_{name} TO {name}")


def downgrade() -> None:
    for name, kind, usual in _COLUMNS:
        said = f"said_{name} {kind} NOT NULL DEFAULT {usual}"
        op.execute(f"ALTER TABLE rooms ADD COLUMN {said}")
        op.execute(f"UPDATE rooms SET said_{name} = {name} WHERE {name} IS NOT NULL")
        op.execute(f"ALTER TABLE rooms DROP COLUMN {name}")
        op.execute(f"ALTER TABLE rooms RENAME COLUMN said_{name} TO {name}")
