"""Alembic's entry: it runs on the connection that `runner.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from likemark.db.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
