"""Small databases written down as SQL in a test, and what the planner makes of them."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from dbclone.dialects.sqlite_source import SqliteSource
from dbclone.options import PlanOptions
from dbclone.plan import Plan, ReferencePlan, TablePlan
from dbclone.planning import make_plan
from dbclone.schema import Schema, TableName

Rows = Mapping[str, Sequence[Sequence[object]]]


def build(path: Path, sql: str, rows: Rows | None = None) -> Path:
    """A SQLite database with these tables and rows; foreign keys are not enforced, so that orphans are possible."""
    connection = sqlite3.connect(path)
    connection.executescript(sql)
    for table, values in (rows or {}).items():
        marks = ", ".join("?" * len(values[0]))
        connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', values)
    connection.commit()
    connection.close()
    return path


def schema_of(path: Path) -> Schema:
    source = SqliteSource(path)
    try:
        return source.reflect()
    finally:
        source.close()


def plan_of(path: Path, options: PlanOptions | None = None) -> Plan:
    source = SqliteSource(path)
    try:
        schema = source.reflect()
        return make_plan(schema, source.row_counts(schema), cache(lambda n: source.read(schema.table(n))), options)
    finally:
        source.close()


def name(table: str) -> TableName:
    return TableName("", table)


def table_plan(plan: Plan, table: str) -> TablePlan:
    return plan.table(name(table))


def reference(plan: Plan, table: str, *columns: str) -> ReferencePlan:
    """The plan of the foreign key over these columns."""
    return next(r for r in table_plan(plan, table).references if r.foreign_key.columns == columns)
