"""The audit log, what moderators reject, why comments are held, bounds of rooms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DEPTHS = """
WITH RECURSIVE placed(room_id, id, depth) AS (
  SELECT room_id, id, 0 FROM comments WHERE parent IS NULL
  UNION ALL
  SELECT comments.room_id, comments.id, placed.depth + 1 FROM placed
    JOIN comments ON comments.room_id = placed.room_id AND comments.parent = placed.id
)
UPDATE comments SET depth = placed.depth FROM placed
WHERE comments.room_id = placed.room_id AND comments.id = placed.id AND placed.depth > 0
"""


def upgrade() -> None:
    for name in ("max_depth", "edit_window_s"):
        op.add_column("rooms", sa.Column(name, sa.Integer(), nullable=True))
    numbers, flags = ("depth", "reports"), ("featured", "locked")
    for name in (*numbers, *flags):
        kind = sa.Integer() if name in numbers else sa.Boolean()
        op.add_column("comments", sa.Column(name, kind, nullable=False, server_default="0"))
    op.add_column("comments", sa.Column("hold", sa.Text(), nullable=True))
    op.add_column("comments", sa.Column("due_ms", sa.BigInteger(), nullable=True))
    op.execute(_DEPTHS)
    op.create_index("ix_comments_author", "comments", ["author_id"])
    for name, condition in (("held", "state = 'held'"), ("reported", "reports > 0")):
        where = sa.text(condition)
        op.create_index(
            f"ix_comments_{name}",
            "comments",
            ["created_ms"],
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_table(
        "removed",
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.BigInteger(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False, comment="JSON: what its row lost"),
        sa.Column("removed_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"]),
        sa.PrimaryKeyConstraint("room_id", "comment_id"),
        comment="what a moderator rejected and may bring back; no reader's query comes here",
    )
    op.create_table(
        "acts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("comment_id", sa.BigInteger(), nullable=True),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "detail", sa.Text(), nullable=True, comment="JSON: what changed, from what to what"
        ),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="the audit log: rows are added, never changed",
    )
    op.create_index("ix_acts_comment", "acts", ["room", "comment_id"])
    op.create_index("ix_acts_person", "acts", ["person"])


def downgrade() -> None:
    op.drop_table("acts")
    op.drop_table("removed")
    for name in ("author", "held", "reported"):
        op.drop_index(f"ix_comments_{name}", "comments")
    for name in ("depth", "reports", "featured", "locked", "hold", "due_ms"):
        op.drop_column("comments", name)
    for name in ("max_depth", "edit_window_s"):
        op.drop_column("rooms", name)
