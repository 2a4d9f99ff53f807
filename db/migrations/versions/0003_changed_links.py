"""What changed of the links between marks and pictures, for an index that holds register data."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    revisions = op.create_table(
        "revisions",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_revisions")),
    )
    op.create_table(
        "link_changes",
        sa.Column("link_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link_changes")),
    )
    op.create_index(op.f("ix_link_changes_revision"), "link_changes", ["revision"])
    op.bulk_insert(revisions, [{"number": 0, "token": secrets.token_hex(16)}])


def downgrade() -> None:
    op.drop_index(op.f("ix_link_changes_revision"), table_name="link_changes")
    op.drop_table("link_changes")
    op.drop_table("revisions")
