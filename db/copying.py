"""Many rows at once, past the object mapper: COPY on PostgreSQL, one prepared statement on SQLite.

Everything happens in the session's own transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

# Largest number of values in one IN (...): SQLite allows 32,766, PostgreSQL 65,535.
IN_LIMIT = 10_000


def insert_rows(
    session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows of plain values: numbers, text, bytes; dates and JSON as text.

    A row that the table refuses raises SQLAlchemy's DBAPIError, and nothing of them is there.
    """
    session.flush()
    names = ", ".join(columns)
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        _copy(connection.connection.driver_connection, f"COPY {table} ({names}) FROM STDIN", rows)
        return
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
    driver: Any = connection.connection.driver_connection
    try:
        driver.executemany(statement, rows)
    except sqlite3.Error as error:
        raise DBAPIError(statement, None, error) from error


def _copy(driver: Any, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    import psycopg

    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError(statement, None, error) from error


def new_ids(session: Session, table: str, count: int) -> list[int]:
    """Ascending ids that no row of the table has, had or will be given by somebody else."""
    if session.get_bind().dialect.name == "postgresql":
        number = f"nextval(pg_get_serial_sequence('{table}', 'id'))"
        taken = text(f"SELECT {number} FROM generate_series(1, :count)")
        return sorted(session.scalars(taken, {"count": count}))
    # This transaction is the only one that writes.
    last = session.execute(
        text(
            f"SELECT max(coalesce((SELECT max(id) FROM {table}), 0), "
            "coalesce((SELECT seq FROM sqlite_sequence WHERE name = :table), 0))"
        ),
        {"table": table},
    ).scalar_one()
    return list(range(last + 1, last + 1 + count))


def rows_in(
    session: Session, statement: str, values: Sequence[Any], **fixed: Any
) -> Iterator[Sequence[Any]]:
    """The rows of "SELECT ... WHERE ... COLUMN" whose column has one of the values."""
    if session.get_bind().dialect.name == "postgresql":
        # One value of an array's type, not thousands of single ones to parse.
        given = {"values": list(values), **fixed}
        yield from session.execute(text(f"{statement} = ANY(:values)"), given)
        return
    query = text(f"{statement} IN :values").bindparams(bindparam("values", expanding=True))
    for start in range(0, len(values), IN_LIMIT):
        part = list(values[start : start + IN_LIMIT])
        yield from session.execute(query, {"values": part, **fixed})
