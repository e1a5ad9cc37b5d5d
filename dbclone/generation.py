"""The step generate: the sizes that were asked for are checked, then the model draws table after table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pyarrow as pa

from dbclone.abc import Model, Progress
from dbclone.errors import UsageError
from dbclone.findings import Finding, Severity
from dbclone.options import GenerateOptions
from dbclone.plan import Plan, TablePlan, TableRole
from dbclone.schema import TableName
from dbclone.split_rows import joined_rows


def check_scale(options: GenerateOptions) -> None:
    """Raise UsageError for a scale that no database can have; nothing need be known for that."""
    if not (math.isfinite(options.scale) and options.scale > 0):
        raise UsageError("--scale must be a number greater than 0, such as 0.1 or 3.")


def check_sizes(plan: Plan, options: GenerateOptions) -> None:
    """Raise UsageError for a number of rows that a table of the plan cannot have."""
    for name, rows in options.rows:
        table = _named(plan, name)
        if rows < 0:
            raise UsageError(f"--rows {name}={rows}: a table cannot have fewer than 0 rows.")
        if table.role is not TableRole.SYNTHESISE:
            raise UsageError(f"--rows {name}={rows}: the size of {table.table} is fixed, the plan says: {table.role}.")


def _named(plan: Plan, name: str) -> TablePlan:
    found = [t for t in plan.tables if name.lower() in (t.table.name.lower(), str(t.table).lower())]
    if not found:
        raise UsageError(f"--rows {name}: the clone has no such table.")
    if len(found) > 1:
        raise UsageError(f"--rows {name}: write {' or '.join(str(t.table) for t in found)}; there are several.")
    return found[0]


def expected_rows(plan: Plan, options: GenerateOptions) -> int:
    """About how many rows the clone will have; exact numbers are drawn with the rows."""
    scaled = sum(t.rows for t in plan.tables if t.role is TableRole.SYNTHESISE) * options.scale
    return round(scaled) + sum(t.rows for t in plan.tables if t.role is TableRole.COPY)


def empty_tables(plan: Plan, options: GenerateOptions, rows: Mapping[TableName, int]) -> list[Finding]:
    """One Finding for each table that should have ``rows`` in the clone, but has none."""
    unwanted = {_named(plan, name).table for name, number in options.rows if not number}
    wanted = (t for t in plan.tables if t.role is TableRole.SYNTHESISE and t.rows and t.table not in unwanted)
    message = "It is empty in the clone: no row could be made that satisfies all of its keys and conditions."
    return [Finding(Severity.WARNING, "no-rows", t.table, (), message) for t in wanted if not rows.get(t.table)]


def generate(model: Model, options: GenerateOptions, progress: Progress) -> Iterator[tuple[TableName, pa.Table]]:
    """Every table of the plan, in load order, with its rows: the insertable columns in the schema's order."""
    for name, rows in model.generate(options, progress):
        table = model.plan.schema.table(name)
        joined = joined_rows(table, rows, options.seed)
        yield name, joined.select([column.name for column in (table.whole or table).insertable])
