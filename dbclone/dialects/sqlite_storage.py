"""What a SQLite column really holds, whatever its declaration: one aggregate query per table, details only on doubt.

SQLite is dynamically typed: a DATE column may hold ISO text, Unix epochs or Julian days, a BOOLEAN column 0/1 or
't'/'f', an INTEGER column text.  A column's type is refined to what its values are; where a few values of a nullable
column disagree, they are read as NULL and reported, where many do, the column is text.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dbclone.dialects.base import quote
from dbclone.findings import Finding, Severity
from dbclone.schema import Column, SqlType, TableName, TypeFamily

TOLERATED = 0.05
"""Share of values of a nullable column that may disagree with its type before the type gives way."""

ENOUGH = 20
"""Texts that must all be written as dates for their column to be one of dates."""

_EXPECTED: dict[TypeFamily, str] = {
    TypeFamily.BOOLEAN: "typeof({c}) = 'integer' AND {c} IN (0, 1)",
    TypeFamily.INTEGER: "typeof({c}) = 'integer'",
    TypeFamily.DECIMAL: "typeof({c}) IN ('integer', 'real')",
    TypeFamily.FLOAT: "typeof({c}) IN ('integer', 'real')",
    TypeFamily.TEXT: "typeof({c}) = 'text'",
    TypeFamily.BYTES: "typeof({c}) = 'blob'",
    TypeFamily.JSON: "typeof({c}) <> 'blob' AND json_valid({c})",
    TypeFamily.UUID: "typeof({c}) = 'text' AND length({c}) = 36 AND {c} NOT GLOB '*[^0-9a-fA-F-]*'",
}
_BOOLEAN_PAIRS = ("f/t", "F/T", "false/true", "False/True", "FALSE/TRUE", "n/y", "N/Y", "no/yes", "No/Yes", "NO/YES")
_TIME = r"00:00(:00(\.0+)?)?"
_ZONE = r"( ?([+-]00:?00)|Z)"
_SHAPES: tuple[tuple[TypeFamily, bool, re.Pattern[str]], ...] = (
    (TypeFamily.DATE, False, re.compile(r"0000-00-00")),
    (TypeFamily.TIMESTAMP, False, re.compile(rf"0000-00-00[ T]{_TIME}")),
    (TypeFamily.TIMESTAMP, True, re.compile(rf"0000-00-00[ T]{_TIME}{_ZONE}")),
    (TypeFamily.TIME, False, re.compile(_TIME)),
)
_DATES = ((TypeFamily.DATE, False), (TypeFamily.TIMESTAMP, False))
_COLUMNS_PER_QUERY = 400


@dataclass(frozen=True)
class Storage:
    """The type that a column's values have, and how many of them it cannot hold."""

    type: SqlType
    misfits: int = 0


def refine(
    connection: sqlite3.Connection, table: TableName, columns: Sequence[Column], keyed: Collection[str] = ()
) -> tuple[int, tuple[Column, ...], tuple[Finding, ...]]:
    """The table's row count, its columns with refined types, and what was found on the way.

    ``keyed`` columns are compared with others: there a text stays a text, whatever it says.
    """
    totals = _totals(connection, table, columns)
    rows, findings, refined = totals.rows, list[Finding](), list[Column]()
    for column, present, expected, longest in zip(
        columns, totals.present, totals.expected, totals.longest, strict=True
    ):
        storage = Storage(column.type)
        if present and (present != expected or column.type.family in _DETAILED):
            storage = _look_closer(connection, table, column, present)
        elif present >= ENOUGH and column.type.family is TypeFamily.TEXT and column.name not in keyed:
            storage = _written_date(connection, table, column, longest)
        refined.append(replace(column, type=_length(storage.type, longest)))
        findings += _report(table, column, storage, longest)
        if present < rows and not column.nullable:
            message = "NULL in a column of a key or in one that does not allow it."
            findings.append(Finding(Severity.WARNING, "null", table, (column.name,), message, rows - present))
    return rows, tuple(refined), tuple(findings)


@dataclass(frozen=True)
class _Totals:
    rows: int
    present: tuple[int, ...]
    expected: tuple[int, ...]
    longest: tuple[int, ...]


def _totals(connection: sqlite3.Connection, table: TableName, columns: Sequence[Column]) -> _Totals:
    rows, values = 0, list[int]()
    for start in range(0, len(columns), _COLUMNS_PER_QUERY):
        wanted = ["count(*)"]
        for column in columns[start : start + _COLUMNS_PER_QUERY]:
            name = quote(column.name)
            condition = _EXPECTED.get(column.type.family, "0").format(c=name)
            longest = f"max(length({name}))" if column.type.family is TypeFamily.TEXT else "0"
            wanted += [f"count({name})", f"total({condition})", longest]
        rows, *answer = connection.execute(f"SELECT {', '.join(wanted)} FROM {quote(table.name)}").fetchone()
        values += [int(value or 0) for value in answer]
    return _Totals(rows, tuple(values[0::3]), tuple(values[1::3]), tuple(values[2::3]))


_DETAILED = frozenset({TypeFamily.DATE, TypeFamily.TIME, TypeFamily.TIMESTAMP, TypeFamily.OPAQUE, TypeFamily.DECIMAL})


def _look_closer(connection: sqlite3.Connection, table: TableName, column: Column, present: int) -> Storage:
    """The type that the values of a column support."""
    name, source = quote(column.name), quote(table.name)
    classes = dict(
        connection.execute(
            f"SELECT typeof({name}), count(*) FROM {source} WHERE {name} IS NOT NULL GROUP BY 1"
        ).fetchall()
    )
    family = column.type.family
    allowed = TOLERATED * present if column.nullable else 0.0
    if family in (TypeFamily.DATE, TypeFamily.TIME, TypeFamily.TIMESTAMP):
        shapes = _shapes(connection, table, column) if classes.get("text") else []
        found = _temporal(connection, table, column, shapes) if shapes else None
        if found and found.misfits <= allowed:
            return found
        if found and found.type.family is TypeFamily.TEXT:
            return found
    if family is TypeFamily.BOOLEAN:
        found = _boolean(connection, table, column)
        if found and found.misfits <= allowed:
            return found
    if family is TypeFamily.DECIMAL and set(classes) <= {"integer", "real"}:
        return _decimal(connection, table, column, "real" in classes)
    if family in (TypeFamily.INTEGER, TypeFamily.FLOAT, TypeFamily.DECIMAL, TypeFamily.TEXT, TypeFamily.BYTES):
        fit = Storage(column.type, present - _fitting(classes, family))
        if fit.misfits <= allowed:
            return fit
    given_way = _by_class(column.type, classes)
    return Storage(given_way, classes.get("blob", 0) if given_way.family is TypeFamily.TEXT else 0)


def _written_date(connection: sqlite3.Connection, table: TableName, column: Column, longest: int) -> Storage:
    """The type of a date or timestamp, if all of a text column's values are written as such in one shape."""
    name = quote(column.name)
    told = f"CASE WHEN {name} GLOB '[0-9][0-9][0-9][0-9]-[0-9]*' THEN {name} ELSE '' END"  # others may not decode
    (first,) = connection.execute(f"SELECT {told} FROM {quote(table.name)} WHERE {name} IS NOT NULL LIMIT 1").fetchone()
    if longest == len(first) and _shape_family(re.sub("[0-9]", "0", first)) in _DATES:
        shapes = _shapes(connection, table, column)
        found = _temporal(connection, table, column, shapes)
        if len(shapes) == 1 and not found.misfits and found.type.family is not TypeFamily.TEXT:
            return found
    return Storage(column.type)


def _fitting(classes: Mapping[str, int], family: TypeFamily) -> int:
    kinds = {
        TypeFamily.INTEGER: ("integer",),
        TypeFamily.TEXT: ("text", "integer", "real"),
        TypeFamily.BYTES: ("blob",),
    }.get(family, ("integer", "real"))
    if family is TypeFamily.INTEGER and "real" in classes:
        return 0  # fractions among integers are not misfits: the column is one of floats
    return sum(classes.get(kind, 0) for kind in kinds)


def _by_class(declared: SqlType, classes: Mapping[str, int]) -> SqlType:
    """The family of the storage classes that are there, when the declaration does not hold."""
    kinds = set(classes)
    if kinds == {"integer"}:
        return SqlType(TypeFamily.INTEGER, declared.sql, precision=64)
    if kinds <= {"integer", "real"}:
        return SqlType(TypeFamily.FLOAT, declared.sql)
    if kinds == {"blob"}:
        return SqlType(TypeFamily.BYTES, declared.sql)
    return SqlType(TypeFamily.TEXT, declared.sql)


def _decimal(connection: sqlite3.Connection, table: TableName, column: Column, fractions: bool) -> Storage:
    """A DECIMAL keeps precision and scale only if its values do; without fractions and scale it is an INTEGER."""
    declared = column.type
    if not fractions and not declared.scale:
        return Storage(SqlType(TypeFamily.INTEGER, declared.sql, precision=64))
    if declared.precision is None:
        return Storage(declared)
    scale, name = declared.scale or 0, quote(column.name)
    outside = connection.execute(
        f"SELECT count(*) FROM {quote(table.name)} WHERE abs({name}) >= 1e{declared.precision - scale}"
        f" OR abs({name} - round({name}, {scale})) > 1e-9 * max(abs({name}), 1)"
    ).fetchone()[0]
    return Storage(replace(declared, precision=None, scale=None) if outside else declared)


def _boolean(connection: sqlite3.Connection, table: TableName, column: Column) -> Storage | None:
    """The pair of words that stands for false and true, if the values are such words."""
    name = quote(column.name)
    values = connection.execute(
        f"SELECT {name}, count(*) FROM {quote(table.name)} WHERE {name} IS NOT NULL GROUP BY 1 LIMIT 20"
    ).fetchall()
    total = sum(count for _, count in values)
    for pair in ("0/1", *_BOOLEAN_PAIRS):
        words: set[object] = {0, 1} if pair == "0/1" else set(pair.split("/"))
        fit = sum(count for value, count in values if value in words)
        if fit and total - fit <= TOLERATED * total:
            return Storage(replace(column.type, storage="" if pair == "0/1" else pair), total - fit)
    return None


def shape_of(expression: str) -> str:
    """SQL for the shape of a text: every digit as 0."""
    for digit in "123456789":
        expression = f"replace({expression}, '{digit}', '0')"
    return expression


def _shapes(connection: sqlite3.Connection, table: TableName, column: Column) -> list[tuple[str, int]]:
    """The shapes of a column's texts with their numbers, most frequent first; '' stands for what is no text."""
    name, source = quote(column.name), quote(table.name)
    (first,) = connection.execute(
        f"SELECT {shape_of(name)} FROM {source} WHERE typeof({name}) = 'text' LIMIT 1"
    ).fetchone()
    if "0" in first and not any(letter in first for letter in "*?[]'"):
        # Most columns have one shape only, which is told faster than all of them are collected.
        pattern = first.replace("0", "[0-9]")
        like, present = connection.execute(
            f"SELECT total(typeof({name}) = 'text' AND {name} GLOB '{pattern}'), count({name}) FROM {source}"
        ).fetchone()
        if like == present:
            return [(first, present)]
    return connection.execute(
        f"SELECT CASE typeof({name}) WHEN 'text' THEN {shape_of(name)} ELSE '' END, count(*)"
        f" FROM {source} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 200"
    ).fetchall()


def _temporal(
    connection: sqlite3.Connection, table: TableName, column: Column, shapes: Sequence[tuple[str, int]]
) -> Storage:
    """The family that most shapes of a column's texts belong to."""
    families: dict[tuple[TypeFamily, bool], int] = {}
    best: dict[tuple[TypeFamily, bool], str] = {}
    total = sum(count for _, count in shapes)
    for shape, count in shapes:
        kind = _shape_family(shape)
        if kind:
            families[kind] = families.get(kind, 0) + count
            best.setdefault(kind, shape)
    if not families:
        return Storage(SqlType(TypeFamily.TEXT, column.type.sql))
    family, zoned = max(families, key=lambda kind: families[kind])
    fit = families[family, zoned]
    if family is TypeFamily.DATE and (TypeFamily.TIMESTAMP, False) in families:
        family = TypeFamily.TIMESTAMP
    if family is TypeFamily.TIMESTAMP and not zoned:
        fit = families[family, False] + families.get((TypeFamily.DATE, False), 0)
    invalid = _invalid(connection, table, column, family)
    found = SqlType(family, column.type.sql, with_time_zone=zoned, storage=best[family, zoned])
    misfits = total - fit + invalid
    if misfits > TOLERATED * total:
        return Storage(SqlType(TypeFamily.TEXT, column.type.sql))
    return Storage(found, misfits)


def _shape_family(shape: str) -> tuple[TypeFamily, bool] | None:
    return next(((family, zoned) for family, zoned, pattern in _SHAPES if pattern.fullmatch(shape)), None)


_NO_DAY = (
    "substr({c}, 6, 2) NOT BETWEEN '01' AND '12' OR substr({c}, 9, 2) NOT BETWEEN '01' AND '31' OR {c} < '0001'"
    " OR (substr({c}, 9, 2) > '28' AND date(julianday(substr({c}, 1, 10))) IS NOT substr({c}, 1, 10))"
)
"""By way of the Julian day, since date() alone passes 30 February on as it came; asked only where it can matter."""
_NO_CLOCK = (
    "substr({c}, {hour}, 2) > '23' OR substr({c}, {minute}, 2) > '59'"
    " OR (substr({c}, {minute} + 2, 1) = ':' AND substr({c}, {second}, 2) > '59')"
)


def _invalid(connection: sqlite3.Connection, table: TableName, column: Column, family: TypeFamily) -> int:
    """How many texts of the right shape are no dates or times (month 13, 30 February, year 0)."""
    name = quote(column.name)
    wrong = [] if family is TypeFamily.TIME else [_NO_DAY.format(c=name)]
    if family is not TypeFamily.DATE:
        start = 1 if family is TypeFamily.TIME else 12
        wrong.append(_NO_CLOCK.format(c=name, hour=start, minute=start + 3, second=start + 6))
    shaped = f"typeof({name}) = 'text' AND {name} GLOB '[0-9][0-9]*'"
    query = f"SELECT count(*) FROM {quote(table.name)} WHERE {shaped} AND ({' OR '.join(wrong)})"
    return int(connection.execute(query).fetchone()[0])


def _length(found: SqlType, longest: int) -> SqlType:
    """The declared length only where the values keep it: SQLite does not."""
    return replace(found, length=None) if found.length is not None and longest > found.length else found


def _report(table: TableName, column: Column, storage: Storage, longest: int) -> Iterable[Finding]:
    declared, found = column.type, storage.type
    if storage.misfits:
        yield Finding(
            Severity.WARNING,
            "type-fallback",
            table,
            (column.name,),
            f"Values that are not of type {found.family} are read as NULL.",
            storage.misfits,
        )
    if found.family is not declared.family and declared.family is not TypeFamily.OPAQUE:
        yield Finding(
            Severity.NOTE,
            "type-fallback",
            table,
            (column.name,),
            f"Declared as {declared.sql} but holding values of type {found.family}: treated as {found.family}.",
        )
    if declared.length is not None and longest > declared.length:
        message = f"Texts are longer than the declared {declared.length} characters: the limit is not kept."
        yield Finding(Severity.NOTE, "length", table, (column.name,), message)
