"""Alembic migrations; `HEAD` is known without importing Alembic, which takes a while."""

HEAD = "0004"
