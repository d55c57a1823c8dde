"""Providers that speak OAuth and not OpenID Connect: GitHub."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "providers",
        sa.Column("kind", sa.String(length=16), nullable=False, server_default="openid"),
    )


def downgrade() -> None:
    with op.batch_alter_table("providers") as providers:
        providers.drop_column("kind")
