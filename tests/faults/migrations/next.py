"""A step as later versions may need one: new and rebuilt tables, a column, data changed."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from livethread.store.migrations import versions

revision = "next"
down_revision = max(path.name[:4] for path in Path(versions.__path__[0]).glob("[0-9]*.py"))
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notes", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("text", sa.Text())
    )
    op.add_column("comments", sa.Column("mood", sa.Text(), nullable=True))
    op.execute("UPDATE comments SET mood = upper(body)")
    op.execute("INSERT INTO notes SELECT id, name FROM rooms")
    with op.batch_alter_table("rooms") as rooms:
        rooms.add_column(sa.Column("colour", sa.Text(), nullable=False, server_default="blue"))
        rooms.alter_column("title", new_column_name="headline")
    op.drop_index("ix_comments_roots", "comments")
