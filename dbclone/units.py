"""The table whose rows are the entities of a database: whom an audit is about, and by whom halves are drawn."""

from __future__ import annotations

from collections.abc import Mapping

from dbclone.errors import UsageError
from dbclone.graph import descendants
from dbclone.halving import Tables
from dbclone.schema import Schema, TableName
from dbclone.survey import Survey
from dbclone.table_roles import person_tables

MIN_ENTITIES = 20
MANY_ENTITIES = 100
"""Tables with fewer rows are proposed only if there are no larger ones: customers, not the staff who serve them."""


def choose_unit(schema: Schema, tables: Tables, wanted: str = "") -> TableName:
    """The table called ``wanted``; else, of the tables of persons (or, without any, of all), the one to protect.

    That is the one from which most rows hang.
    Raises UsageError if no table, or several, are called ``wanted``.
    """
    return _named(schema, wanted) if wanted else _proposed(schema, tables)


def _named(schema: Schema, wanted: str) -> TableName:
    found = [t.name for t in schema.tables if wanted.lower() in (t.name.name.lower(), str(t.name).lower())]
    if not found:
        raise UsageError(f"--unit {wanted}: there is no such table.")
    if len(found) > 1:
        raise UsageError(f"--unit {wanted}: write {' or '.join(map(str, found))}; there are several.")
    return found[0]


def _proposed(schema: Schema, tables: Tables) -> TableName:
    counts = {name: rows.num_rows for name, rows in tables.items()}
    persons = person_tables(Survey(schema, counts, tables.__getitem__))
    names = sorted(persons or {t.name for t in schema.tables if descendants(schema, t.name)} or counts)
    many, some = ([n for n in names if counts[n] >= least] for least in (MANY_ENTITIES, MIN_ENTITIES))
    return max(many or some or names, key=lambda n: _hanging_rows(schema, counts, n))


def _hanging_rows(schema: Schema, counts: Mapping[TableName, int], unit: TableName) -> int:
    """Rows of the table and of all that descend from it."""
    return sum(counts.get(name, 0) for name in descendants(schema, unit) | {unit})
