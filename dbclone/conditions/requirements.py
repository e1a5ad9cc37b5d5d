"""The conditions that the rows of a table must satisfy: its CHECKs and those of its columns' domains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from dbclone.conditions.tree import Call, ColumnValue, Condition, Constant, Kind
from dbclone.errors import PlanError
from dbclone.findings import Finding, Severity
from dbclone.schema import Column, Table, TableName, TypeFamily


@dataclass(frozen=True)
class Requirement:
    """A condition that is understood, at least in part."""

    name: str
    condition: Condition


def requirements_of(table: Table, dialect: str) -> tuple[Requirement, ...]:
    """What is understood of the table's conditions, which are written in the given dialect."""
    found = ((asked.name, condition) for asked, condition in _understood(table, dialect) if condition is not None)
    return tuple(Requirement(name, condition) for name, condition in found)


def length_limit(column: Column) -> Requirement | None:
    """That a text is no longer than its column allows."""
    if column.type.family is not TypeFamily.TEXT or column.type.length is None:
        return None
    length = Call("length", (ColumnValue(column.name, Kind.TEXT),), Kind.INTEGER)
    tree = Call("le", (length, Constant(column.type.length, Kind.INTEGER)), Kind.BOOLEAN)
    return Requirement(f"length of {column.name}", Condition(tree, (column.name,), complete=True))


def unclear_conditions(table: Table, dialect: str) -> list[Finding]:
    """One Finding for each condition of which rows may turn out to violate it."""
    return [
        _unclear(table, asked, condition)
        for asked, condition in _understood(table, dialect)
        if condition is None or not condition.complete
    ]


def unmet_within_partitions(table: Table, rows: pa.Table, dialect: str) -> list[Finding]:
    """One Finding for each condition of a partition that is asked of rows of others too, and that some do not meet.

    Rows that a hash places might be those of any partition: all are drawn as if they were of each.
    """
    if not table.within or not rows.num_rows:
        return []
    own = replace(table, checks=(), columns=tuple(replace(c, type=replace(c.type, checks=())) for c in table.columns))
    findings = []
    for asked, condition in _understood(own, dialect):
        if condition is None or not {*condition.columns} <= {*rows.column_names}:
            continue
        unmet = int(violations([Requirement(asked.name, condition)], _columns(rows, condition), rows.num_rows).sum())
        if unmet:
            message = (
                f"The check {asked.name} of {asked.place} is asked of all rows of {table.name}, as only the server"
                f" knows which of them its hash leads there: {unmet} of {rows.num_rows} rows of the source do not"
                " meet it, and a row that cannot meet what all partitions ask is left out."
            )
            subject = f"partition {asked.place}"
            findings.append(
                Finding(Severity.WARNING, "hash-check", table.name, condition.columns, message, unmet, subject)
            )
    return findings


def _columns(rows: pa.Table, condition: Condition) -> dict[str, pa.ChunkedArray]:
    return {name: rows.column(name) for name in condition.columns}


@dataclass(frozen=True)
class _Asked:
    """A condition as it is written."""

    name: str
    sql: str
    place: TableName
    """The table, or the partition whose own it is."""
    column: Column | None = None
    """What VALUE means in a domain's."""


def _unclear(table: Table, asked: _Asked, condition: Condition | None) -> Finding:
    how = "is not understood" if condition is None else "is understood in part"
    message = f"The check {asked.name} of {asked.place} {how}: rows are drawn like the source's and proven at the end."
    used = condition.columns if condition is not None else (asked.column.name,) if asked.column else ()
    subject = "" if asked.column else f"check {asked.name} on {asked.place}"
    return Finding(Severity.NOTE, "unclear-check", table.name, used, message, subject=subject)


def _understood(table: Table, dialect: str) -> Iterator[tuple[_Asked, Condition | None]]:
    conditions = [*_conditions(table)]
    if not conditions:
        return
    from dbclone.conditions.parsing import understand  # loads sqlglot

    for asked in conditions:
        yield asked, understand(asked.sql, table, dialect, asked.column)


def _conditions(table: Table) -> Iterator[_Asked]:
    for check in table.checks:
        yield _Asked(check.name, check.expression, table.name)
    for place, check in table.within:
        yield _Asked(check.name, check.expression, place)
    for column in table.columns:
        for condition in column.type.checks:
            yield _Asked(f"of domain {column.type.sql}", condition, table.name, column)


def refuse_impossible(table: Table, rows: pa.Table, always_null: Iterable[str], dialect: str) -> None:
    """Raise PlanError if no row of the source would satisfy a condition once some columns are always NULL.

    ``rows`` are the source's; the columns are NULL because the tables to which they refer are left out or empty.
    """
    lost = set(always_null)
    if not lost or not rows.num_rows:
        return
    for requirement in requirements_of(table, dialect):
        columns = requirement.condition.columns
        if not lost & set(columns) or not set(columns) <= set(rows.column_names):
            continue
        given = {
            c: pa.nulls(rows.num_rows, rows.schema.field(c).type) if c in lost else rows.column(c) for c in columns
        }
        if violations([requirement], given, rows.num_rows).all():
            names = ", ".join(sorted(lost & set(columns)))
            raise PlanError(
                f"Table {table.name}: check {requirement.name} cannot hold where {names} is always NULL because the"
                f" table it refers to is left out or empty; clone that table too, or leave out {table.name}"
            )


def violations(
    requirements: Iterable[Requirement], columns: Mapping[str, pa.Array | pa.ChunkedArray], n: int
) -> np.ndarray:
    """How many of the requirements each row violates, int64[n]."""
    from dbclone.conditions.evaluation import Evaluator

    evaluator = Evaluator({name: _flat(values) for name, values in columns.items()})
    counts = np.zeros(n, dtype=np.int64)
    for requirement in requirements:
        counts += evaluator.violated(requirement.condition, n)
    return counts


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
