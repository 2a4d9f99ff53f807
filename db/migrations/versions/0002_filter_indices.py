"""An index for every filter, each as its database can use it.

PostgreSQL: status and office by their lower-case forms, the owner by its trigrams, Vienna codes by
their bytes, so that a beginning is a range. The trigrams need the extension pg_trgm, which a
database's owner may create; where it cannot be had, a filter by owner reads all marks.
SQLite: the plain columns, whose different values are read through the index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TRIGRAMS = "CREATE INDEX ix_marks_owner_trigrams ON marks USING gin (owner gin_trgm_ops)"


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.drop_index(op.f("ix_mark_nice_nice_class"), table_name="mark_nice")
    op.drop_index(op.f("ix_mark_vienna_code"), table_name="mark_vienna")
    if postgresql:
        # On the column, not in the index: a query need not say it.
        op.execute('ALTER TABLE mark_vienna ALTER COLUMN code TYPE varchar(20) COLLATE "C"')
        for name in ("office", "status"):
            op.drop_index(op.f(f"ix_marks_{name}"), table_name="marks")
            op.create_index(op.f(f"ix_marks_{name}_lower"), "marks", [sa.text(f"lower({name})")])
        _trigrams()
    else:
        op.create_index(op.f("ix_marks_owner"), "marks", ["owner"])
    op.create_index(op.f("ix_mark_nice_nice_class_mark_id"), "mark_nice", ["nice_class", "mark_id"])
    op.create_index(op.f("ix_mark_vienna_code_mark_id"), "mark_vienna", ["code", "mark_id"])


def _trigrams() -> None:
    try:
        with op.get_bind().begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            op.execute(TRIGRAMS)
    except DBAPIError:  # not installed on the server, or not allowed
        pass


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.drop_index(op.f("ix_mark_vienna_code_mark_id"), table_name="mark_vienna")
    op.drop_index(op.f("ix_mark_nice_nice_class_mark_id"), table_name="mark_nice")
    if postgresql:
        op.execute("DROP INDEX IF EXISTS ix_marks_owner_trigrams")
        for name in ("office", "status"):
            op.drop_index(op.f(f"ix_marks_{name}_lower"), table_name="marks")
            op.create_index(op.f(f"ix_marks_{name}"), "marks", [name])
        op.execute('ALTER TABLE mark_vienna ALTER COLUMN code TYPE varchar(20) COLLATE "default"')
    else:
        op.drop_index(op.f("ix_marks_owner"), table_name="marks")
    op.create_index(op.f("ix_mark_vienna_code"), "mark_vienna", ["code"])
    op.create_index(op.f("ix_mark_nice_nice_class"), "mark_nice", ["nice_class"])
