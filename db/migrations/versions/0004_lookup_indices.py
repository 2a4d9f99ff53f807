"""Indices for what is looked up by equality alone: a picture's path, a mark's numbers.

PostgreSQL: hashes, which take a text of any length, where a tree refuses one of 2,700 bytes.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LOOKED_UP = (
    ("mark_images", "path"), ("marks", "application_number"), ("marks", "registration_number"),
)  # fmt: skip


def upgrade() -> None:
    for table, column in LOOKED_UP:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], postgresql_using="hash")


def downgrade() -> None:
    for table, column in reversed(LOOKED_UP):
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
