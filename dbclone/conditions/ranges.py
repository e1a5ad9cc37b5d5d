"""Ranges as PostgreSQL prints them, moved apart where an EXCLUDE constraint forbids them to overlap."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from dbclone.conditions.tree import Condition
from dbclone.conditions.uniques import covered, unique_indexes_of
from dbclone.findings import Finding, Severity
from dbclone.schema import Exclusion, Table

_FORM = re.compile(r'([\[(])"?([^",]+)"?,"?([^",]+)"?([\])])')
Bound: TypeAlias = int | Decimal | dt.date | dt.datetime


def _moment(text: str) -> dt.datetime:
    """Without a zone it is UTC, as in the sessions that read and write."""
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


_NAMES: dict[str, Callable[[str], Bound]] = {
    "int4range": int,
    "int8range": int,
    "numrange": Decimal,
    "daterange": dt.date.fromisoformat,
    "tsrange": dt.datetime.fromisoformat,
    "tstzrange": _moment,
}


@dataclass(frozen=True)
class Range:
    """From ``low``, included, to ``high``, excluded."""

    low: Bound
    high: Bound

    def after(self, bound: Bound) -> Range:
        """As long a range that begins there."""
        return Range(bound, bound + (self.high - self.low))  # type: ignore[operator]  # both of one type

    def __str__(self) -> str:
        low, high = (f'"{bound}"' if isinstance(bound, dt.datetime) else str(bound) for bound in (self.low, self.high))
        return f"[{low},{high})"


def parse(text: str, type_name: str) -> Range | None:
    """The finite range that the text stands for; None for empty, unbounded and other ones."""
    read = _NAMES.get(type_name)
    found = _FORM.fullmatch(text)
    if read is None or found is None:
        return None
    try:
        low, high = (read(bound) for bound in found.group(2, 3))
    except (ValueError, ArithmeticError):
        return None
    return Range(low, high) if low < high else None  # type: ignore[operator]


@dataclass(frozen=True)
class Apart:
    """An EXCLUDE constraint that is understood: equality of any number of columns and overlap of one."""

    name: str
    column: str
    """That of the ranges."""
    type_name: str
    equal: tuple[str, ...]
    left_out: Condition | None
    """Violated by the rows that it covers; None if it covers all."""

    def covered(self, columns: Mapping[str, pa.Array], n: int) -> np.ndarray:
        """bool[n]"""
        return covered(self.left_out, columns, n)

    def groups(self, columns: Mapping[str, pa.Array]) -> list[list[tuple[int, Range]]]:
        """The rows that must not overlap each other, with their ranges, by these; odd ranges are passed over."""
        texts = columns[self.column].to_pylist()
        covered = self.covered(columns, len(texts))
        others = [columns[name].to_pylist() for name in self.equal]
        found: dict[tuple[object, ...], list[tuple[int, Range]]] = {}
        for row in np.flatnonzero(covered).tolist():
            key = tuple(values[row] for values in others)
            held = None if texts[row] is None else parse(texts[row], self.type_name)
            if held is not None and None not in key:
                found.setdefault(key, []).append((row, held))
        return [sorted(rows, key=lambda pair: (pair[1].low, pair[0])) for rows in found.values()]


def exclusive(table: Table, dialect: str) -> tuple[Apart, ...]:
    """The EXCLUDE constraints of ranges that are understood."""
    return tuple(apart for apart in (_understood(one, table, dialect) for one in table.exclusions) if apart is not None)


def _understood(one: Exclusion, table: Table, dialect: str) -> Apart | None:
    from dbclone.conditions.parsing import understand  # loads sqlglot

    ranges = [column for column, operator in one.elements if operator == "&&"]
    if len(ranges) != 1 or any(operator not in ("=", "&&") for _, operator in one.elements):
        return None
    left_out = understand(f"NOT ({one.condition})", table, dialect) if one.condition else None
    unclear = one.condition and (left_out is None or not left_out.complete)
    type_name = table.column(ranges[0]).type.sql
    if unclear or type_name not in _NAMES:
        return None
    equal = tuple(column for column, operator in one.elements if operator == "=")
    return Apart(one.name, ranges[0], type_name, equal, left_out)


def unclear_exclusions(table: Table, dialect: str) -> list[Finding]:
    """One Finding for each EXCLUDE constraint that rows may turn out to violate."""
    if not table.exclusions:
        return []
    understood = {apart.name for apart in exclusive(table, dialect)}
    understood |= {index.name for index in unique_indexes_of(table, dialect)}
    return [_unclear(table, one) for one in table.exclusions if one.name not in understood]


def _unclear(table: Table, one: Exclusion) -> Finding:
    message = f"The constraint {one.name} is not understood: it is left out if rows violate it."
    columns, subject = tuple(column for column, _ in one.elements), f"exclusion {one.name} on {table.name}"
    return Finding(Severity.WARNING, "unclear-exclusion", table.name, columns, message, subject=subject)


def moved_apart(table: Table, columns: Mapping[str, pa.Array], dialect: str) -> dict[str, pa.Array]:
    """The columns of ranges whose EXCLUDE constraint is understood, so that no two of equal rows overlap."""
    changed: dict[str, pa.Array] = {}
    for apart in exclusive(table, dialect):
        changed[apart.column] = _apart(apart, {**columns, **changed})
    return changed


def _apart(apart: Apart, columns: Mapping[str, pa.Array]) -> pa.Array:
    made = columns[apart.column].to_pylist()
    for rows in apart.groups(columns):
        end: Bound | None = None
        for row, found in rows:
            if end is not None and found.low < end:  # type: ignore[operator]
                found = found.after(end)
            made[row], end = str(found), found.high
    return pa.array(made, pa.string())


def overlapping(table: Table, columns: Mapping[str, pa.Array], dialect: str) -> np.ndarray:
    """bool[n]: rows whose range overlaps that of an earlier one, or is one that no parser understands; empty ones
    never overlap."""
    lost = np.zeros(len(next(iter(columns.values()))) if columns else 0, dtype=bool)
    for apart in exclusive(table, dialect):
        texts = columns[apart.column].to_pylist()
        odd = [t is not None and t != "empty" and parse(t, apart.type_name) is None for t in texts]
        lost |= np.array(odd, dtype=bool) & apart.covered(columns, len(texts))
        for rows in apart.groups(columns):
            end: Bound | None = None
            for row, found in rows:
                if end is not None and found.low < end:  # type: ignore[operator]
                    lost[row] = True
                else:
                    end = found.high
    return lost
