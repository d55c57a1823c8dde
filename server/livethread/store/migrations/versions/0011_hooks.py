"""A site's own hook: its address, and the secret that signs what it is asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("hook_url", "hook_secret"):
        op.add_column("sites", sa.Column(name, sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("sites") as sites:
        sites.drop_column("hook_secret")
        sites.drop_column("hook_url")
