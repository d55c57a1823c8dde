"""People by what their issuer calls them: their ids are no longer made of that."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("uq_people_subject", "people", ["site", "issuer", "subject"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_people_subject", "people")
