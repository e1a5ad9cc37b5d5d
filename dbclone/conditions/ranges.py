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

from dbclone.findings import Finding, Severity
from dbclone.schema import Exclusion, Table

_FORM = re.compile(r'([\[(])"?([^",]+)"?,"?([^",]+)"?([\])])')
Bound: TypeAlias = int | Decimal | dt.date | dt.datetime

_NAMES: dict[str, Callable[[str], Bound]] = {
    "int4range": int,
    "int8range": int,
    "numrange": Decimal,
    "daterange": dt.date.fromisoformat,
    "tsrange": dt.datetime.fromisoformat,
    "tstzrange": dt.datetime.fromisoformat,
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


def exclusive(table: Table) -> tuple[tuple[Exclusion, str], ...]:
    """The EXCLUDE constraints over all rows that are understood, each with its column of ranges.

    That is: equality of any number of columns and overlap of one.
    """
    found = []
    for one in table.exclusions:
        overlapping = [column for column, operator in one.elements if operator == "&&"]
        understood = len(overlapping) == 1 and all(operator in ("=", "&&") for _, operator in one.elements)
        if understood and not one.condition and table.column(overlapping[0]).type.sql in _NAMES:
            found.append((one, overlapping[0]))
    return tuple(found)


def unclear_exclusions(table: Table) -> list[Finding]:
    """One Finding for each EXCLUDE constraint that rows may turn out to violate."""
    understood = {one.name for one, _ in exclusive(table)}
    return [_unclear(table, one) for one in table.exclusions if one.name not in understood]


def _unclear(table: Table, one: Exclusion) -> Finding:
    message = f"The constraint {one.name} is not understood: it is left out if rows violate it."
    columns, subject = tuple(column for column, _ in one.elements), f"exclusion {one.name} on {table.name}"
    return Finding(Severity.WARNING, "unclear-exclusion", table.name, columns, message, subject=subject)


def moved_apart(table: Table, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """The columns of ranges whose EXCLUDE constraint is understood, so that no two of equal rows overlap."""
    changed: dict[str, pa.Array] = {}
    for exclusion, column in exclusive(table):
        others = [columns[name].to_pylist() for name, operator in exclusion.elements if operator == "="]
        texts = changed.get(column, columns[column])
        changed[column] = _apart(texts, others, table.column(column).type.sql)
    return changed


def _apart(texts: pa.Array, others: list[list[object]], type_name: str) -> pa.Array:
    ranges = [None if text is None else parse(text, type_name) for text in texts.to_pylist()]
    groups: dict[tuple[object, ...], list[int]] = {}
    for row, found in enumerate(ranges):
        key = tuple(values[row] for values in others)
        if found is not None and None not in key:
            groups.setdefault(key, []).append(row)
    made = texts.to_pylist()
    for rows in groups.values():
        end: Bound | None = None
        for row in sorted(rows, key=lambda r: (ranges[r].low, r)):  # type: ignore[union-attr]  # only those kept above
            found = ranges[row]
            assert found is not None
            if end is not None and found.low < end:  # type: ignore[operator]
                found = found.after(end)
            made[row], end = str(found), found.high
    return pa.array(made, pa.string())


def overlapping(table: Table, columns: Mapping[str, pa.Array], n: int) -> np.ndarray:
    """bool[n]: rows whose range no parser understands although others must not overlap it: empty ones never do."""
    lost = np.zeros(n, dtype=bool)
    for _, column in exclusive(table):
        kind = table.column(column).type.sql
        odd = [t is not None and t != "empty" and parse(t, kind) is None for t in columns[column].to_pylist()]
        lost |= np.array(odd, dtype=bool)
    return lost
