"""Sites, whose tokens they believe, who has spoken there, roles and bans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "bots",
        sa.Column("site", sa.String(length=32), nullable=False, server_default="default"),
    )
    op.create_table(
        "sites",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origins", sa.Text(), nullable=False, comment="separated by spaces"),
        sa.Column("guests", sa.Boolean(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "issuers",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.String(length=16), nullable=False),
        sa.Column(
            "keys", sa.Text(), nullable=False, comment="JSON: a list of JWKs, the newest last"
        ),
        sa.Column("jwks_url", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("site", "name"),
    )
    op.create_table(
        "people",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("skeleton", sa.Text(), nullable=False),
        sa.Column("avatar", sa.Text(), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("issued_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "id"),
        comment="readers whom an issuer vouched for, as it did last",
    )
    op.create_index("ix_people_skeleton", "people", ["site", "skeleton"])
    op.create_table(
        "roles",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("site", "person"),
        comment="roles given here, whatever a token says",
    )
    op.create_table(
        "bans",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("banned_by", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "person"),
    )
    op.create_table(
        "links",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="sign-in links that were sent and not used",
    )
    op.create_index("ix_links_expires", "links", ["expires_ms"])


def downgrade() -> None:
    op.drop_index("ix_links_expires", "links")
    for table in ("links", "bans", "roles"):
        op.drop_table(table)
    op.drop_index("ix_people_skeleton", "people")
    for table in ("people", "issuers", "sites"):
        op.drop_table(table)
    with op.batch_alter_table("bots") as bots:
        bots.drop_column("site")
