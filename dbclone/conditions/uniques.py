"""Unique indexes over some of the rows or over expressions, which no key of the schema stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dbclone.conditions.tree import ColumnValue, Condition, Kind, Node, parts
from dbclone.findings import Finding, Severity
from dbclone.schema import Exclusion, Index, Table

if TYPE_CHECKING:
    from dbclone.conditions.evaluation import Evaluator


@dataclass(frozen=True)
class UniqueIndex:
    """One that is understood."""

    name: str
    items: tuple[Node, ...]
    left_out: Condition | None
    """Violated by the rows that it covers; None if it covers all."""
    nulls_distinct: bool

    @property
    def item_columns(self) -> frozenset[str]:
        """The columns that its items refer to."""
        return frozenset(part.name for item in self.items for part in parts(item) if isinstance(part, ColumnValue))

    @property
    def columns(self) -> frozenset[str]:
        """All columns that it refers to."""
        return self.item_columns | {*(self.left_out.columns if self.left_out else ())}

    def covered(self, columns: Mapping[str, pa.Array], n: int) -> np.ndarray:
        """bool[n]: the rows that it covers."""
        return covered(self.left_out, columns, n)

    def repeating(self, columns: Mapping[str, pa.Array], n: int) -> np.ndarray:
        """Rows whose values under the index an earlier row has, int64, ascending."""
        from dbclone.conditions.evaluation import Evaluator

        evaluator = Evaluator(columns)
        values = [_listed(evaluator, item, n) for item in self.items]
        seen: set[tuple[object, ...]] = set()
        found = []
        for row in np.flatnonzero(self.covered(columns, n)).tolist():
            key = tuple(column[row] for column in values)
            if None in key and self.nulls_distinct:
                continue
            if key in seen:
                found.append(row)
            seen.add(key)
        return np.array(found, dtype=np.int64)


def covered(left_out: Condition | None, columns: Mapping[str, pa.Array], n: int) -> np.ndarray:
    """bool[n]: the rows that violate a condition; all if there is none."""
    from dbclone.conditions.evaluation import Evaluator

    return Evaluator(columns).violated(left_out, n) if left_out else np.ones(n, dtype=bool)


def unique_indexes_of(table: Table, dialect: str) -> tuple[UniqueIndex, ...]:
    """The table's unique indexes that are not keys already."""
    found = (_understood(index, table, dialect) for index in _others(table, dialect))
    return tuple(index for index in found if index is not None)


def unclear_indexes(table: Table, dialect: str) -> list[Finding]:
    """One Finding for each unique index that rows may turn out to violate."""
    exclusions = {one.name for one in table.exclusions}
    others = (index for index in _others(table, dialect) if index.name not in exclusions)
    return [_unclear(table, index) for index in others if _understood(index, table, dialect) is None]


def _unclear(table: Table, index: Index) -> Finding:
    message = (
        f"The unique index {index.name} is not understood: rows are drawn like the source's and proven at the end."
    )
    subject = f"index {index.name} on {table.name}"
    return Finding(Severity.NOTE, "unclear-index", table.name, index.columns, message, subject=subject)


def _others(table: Table, dialect: str) -> list[Index]:
    """What no key of drawn columns stands for.

    A key over generated columns has the values of their expressions; an exclusion of equal values is a unique index.
    """
    computed = {column.name for column in table.columns if column.generated is not None}
    keys = {key.name for key in table.keys}
    found = [index for index in table.indexes if index.unique and index.items and index.name not in keys]
    keyed = (key for key in table.keys if computed & {*key.columns})
    found += [replace(_as_index(k.name, k.columns, dialect), nulls_distinct=k.nulls_distinct) for k in keyed]
    equal = ((one, tuple(column for column, _ in one.elements)) for one in table.exclusions if is_equality(one))
    found += [replace(_as_index(x.name, columns, dialect), condition=x.condition) for x, columns in equal]
    return [*found, *table.narrower]


def is_equality(exclusion: Exclusion) -> bool:
    """Whether it forbids equal values only."""
    return all(operator == "=" for _, operator in exclusion.elements)


def _as_index(name: str, columns: tuple[str, ...], dialect: str) -> Index:
    mark = "`" if dialect == "mysql" else '"'
    items = tuple(mark + column.replace(mark, 2 * mark) + mark for column in columns)
    return Index(name, columns, True, "", items)


def _understood(index: Index, table: Table, dialect: str) -> UniqueIndex | None:
    from dbclone.conditions.parsing import expression, understand  # loads sqlglot

    left_out = understand(f"NOT ({index.condition})", table, dialect) if index.condition else None
    if index.condition and (left_out is None or not left_out.complete):
        return None
    items = [expression(item, table, dialect) for item in index.items]
    found = tuple(item for item in items if item is not None and item.kind is not Kind.OPAQUE)
    if len(found) < len(index.items):
        return None
    return UniqueIndex(index.name, found, left_out, index.nulls_distinct)


def _listed(evaluator: Evaluator, item: Node, n: int) -> list[object]:
    vector = evaluator.value(item)
    data = vector.data.to_pylist() if isinstance(vector.data, pa.Array) else vector.data.tolist()
    held = [None if null else value for value, null in zip(data, vector.null.tolist(), strict=True)]
    return held * n if len(held) == 1 else held
