"""Reactions are changes of their own, roots are ranked by them, and readers find theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("comments", sa.Column("reacted_seq", sa.BigInteger(), nullable=True))
    # So far a score was the number of reactions, all of them for the comment: see ranking.py.
    op.execute(
        "UPDATE comments SET score = CAST(score / (score + 3.841459) * 1000000000 AS INTEGER)"
        " WHERE score > 0"
    )
    op.create_index(
        "uq_comments_room_reacted_seq",
        "comments",
        ["room_id", "reacted_seq"],
        unique=True,
        sqlite_where=sa.text("reacted_seq IS NOT NULL"),
        postgresql_where=sa.text("reacted_seq IS NOT NULL"),
    )
    op.create_index(
        "ix_comments_best",
        "comments",
        ["room_id", "score", "id"],
        unique=False,
        sqlite_where=sa.text("parent IS NULL"),
        postgresql_where=sa.text("parent IS NULL"),
    )
    op.create_index(
        "ix_reactions_author", "reactions", ["room_id", "author_id", "comment_id"], unique=False
    )
