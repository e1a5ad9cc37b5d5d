"""What the planner sees of the data, each fact read or computed once: rows, parents of rows, PII, distinct counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.abc import Read
from dbclone.graph import Reference
from dbclone.matching import ORPHAN, Rows, flat, parent_rows
from dbclone.privacy.pii import MODELLED, PiiEvidence, detect_pii
from dbclone.schema import Column, Schema, Table, TableName, TypeFamily

TEMPORAL = frozenset({TypeFamily.DATE, TypeFamily.TIME, TypeFamily.TIMESTAMP})
MAX_SAMPLE = 20_000
"""Rows that are looked at where a share of rows is enough."""


_HOPS, _COPIED, _FEWEST_COPIED = 3, 0.5, 10
"""A column repeats a personal one, so many references away, if it has some values and half of them stand there."""
PLACES_OF_MANY = frozenset({"city", "postal_code", "company"})
"""Kinds of which the same values stand in columns that have nothing to do with each other."""


@dataclass
class Survey:
    """Lazy facts about the rows of a schema.  Not frozen: it remembers."""

    schema: Schema
    counts: Mapping[TableName, int]
    read: Read
    _parents: dict[Reference, Rows] = field(default_factory=dict)
    _pii: dict[tuple[TableName, str], PiiEvidence | None] = field(default_factory=dict)
    _copied_pii: dict[tuple[TableName, str], PiiEvidence | None] = field(default_factory=dict)
    _distinct: dict[tuple[TableName, str], int] = field(default_factory=dict)
    _codes: dict[tuple[TableName, str], npt.NDArray[np.generic] | None] = field(default_factory=dict)
    _repeatable: dict[TableName, tuple[tuple[TableName, str, PiiEvidence], ...]] = field(default_factory=dict)
    _ancestors: dict[TableName, tuple[TableName, ...]] = field(default_factory=dict)

    def rows(self, table: TableName) -> int:
        """Rows of the table in the source."""
        return self.counts.get(table, 0)

    def parents(self, reference: Reference) -> Rows:
        """Per child row the position of its parent, or a negative mark (see ``matching``)."""
        if reference not in self._parents:
            child, parent = self.read(reference.child), self.read(reference.parent)
            self._parents[reference] = parent_rows(child, parent, reference.foreign_key)
        return self._parents[reference]

    def orphans(self, reference: Reference) -> int:
        """Rows that refer to a parent that does not exist."""
        return int(np.count_nonzero(self.parents(reference) == ORPHAN))

    def distinct(self, table: TableName, column: str) -> int:
        """Different values of the column, NULL not counted."""
        if (table, column) not in self._distinct:
            values = self.read(table).column(column)
            self._distinct[table, column] = int(pc.count_distinct(values, mode="only_valid").as_py())
        return self._distinct[table, column]

    def pii(self, table: TableName, column: str) -> PiiEvidence | None:
        """Evidence that the column holds personal data, by name, type and content, or because it repeats such a column.

        Names that stand on every order of a customer come again too often to look like names.
        """
        if (table, column) not in self._copied_pii:
            self._copied_pii[table, column] = self.own_pii(table, column) or self._repeated_pii(table, column)
        return self._copied_pii[table, column]

    def own_pii(self, table: TableName, column: str) -> PiiEvidence | None:
        """Evidence that the column holds personal data in the column itself."""
        if (table, column) not in self._pii:
            owner = self.schema.table(table)
            self._pii[table, column] = detect_pii(
                table, owner.column(column), self.values(table, column), [c.name for c in owner.columns]
            )
        return self._pii[table, column]

    def _repeated_pii(self, table: TableName, column: str) -> PiiEvidence | None:
        """Evidence that most values stand in a personal column of a table that is referred to, over up to 3 hops."""
        if self.schema.table(table).column(column).type.family is not TypeFamily.TEXT:
            return None
        values = pc.drop_null(self.values(table, column)[:MAX_SAMPLE])
        if not pa.types.is_string(values.type) or pc.count_distinct(values).as_py() < _FEWEST_COPIED:
            return None
        for name, other, found in (named for above in self._above(table) for named in self._personal(above)):
            if (name, other) == (table, column):
                continue
            theirs = self.values(name, other)
            same = pc.mean(pc.is_in(values, value_set=theirs)).as_py() if theirs.type == values.type else 0.0
            if same >= _COPIED:
                evidence = f"{same:.0%} of values also stand in {name}.{other} ({found.kind.replace('_', ' ')})"
                return PiiEvidence(found.kind, evidence, found.confidence * same)
        return None

    def _personal(self, table: TableName) -> tuple[tuple[TableName, str, PiiEvidence], ...]:
        """The columns of a table whose values tell whose they are wherever they come again."""
        if table not in self._repeatable:
            own = ((c.name, self.own_pii(table, c.name)) for c in self.schema.table(table).insertable)
            kept = ((n, found) for n, found in own if found and found.kind not in MODELLED | PLACES_OF_MANY)
            self._repeatable[table] = tuple((table, name, found) for name, found in kept)
        return self._repeatable[table]

    def _above(self, table: TableName) -> tuple[TableName, ...]:
        """The tables to which references lead, nearest first; the table itself is among them if it refers to itself."""
        if table not in self._ancestors:
            found: dict[TableName, None] = {}
            last = {table}
            for _ in range(_HOPS):
                keys = (fk for name in last for fk in self.schema.table(name).foreign_keys)
                last = {fk.parent for fk in keys if fk.parent in self.referrers} - found.keys()
                found |= dict.fromkeys(sorted(last, key=str))
            self._ancestors[table] = tuple(found)
        return self._ancestors[table]

    def values(self, table: TableName, column: str) -> pa.Array:
        """All values of the column as one array."""
        return flat(self.read(table).column(column))

    def codes(self, table: TableName, column: Column) -> npt.NDArray[np.generic] | None:
        """The values of an integer, date or time column as numbers, None for any other."""
        if (table, column.name) not in self._codes:
            self._codes[table, column.name] = _numeric_codes(self.values(table, column.name), column)
        return self._codes[table, column.name]

    @cached_property
    def referrers(self) -> dict[TableName, tuple[Reference, ...]]:
        """Per table the foreign keys of other tables that refer to it."""
        found: dict[TableName, tuple[Reference, ...]] = {table.name: () for table in self.schema.tables}
        for table in self.schema.tables:
            for fk in table.foreign_keys:
                if fk.parent != table.name:
                    found[fk.parent] = (*found[fk.parent], Reference(table.name, fk))
        return found


def referring_columns(table: Table) -> frozenset[str]:
    """Columns of any foreign key of the table."""
    return frozenset(name for fk in table.foreign_keys for name in fk.columns)


def _numeric_codes(values: pa.Array, column: Column) -> npt.NDArray[np.generic] | None:
    """Integer or float codes (NaN: NULL) of an integer, date or time column; None for any other."""
    family = column.type.family
    if family not in TEMPORAL and family is not TypeFamily.INTEGER:
        return None
    if not (pa.types.is_temporal(values.type) or pa.types.is_integer(values.type)):
        return None
    width = pa.int32() if values.type.bit_width == 32 and pa.types.is_temporal(values.type) else pa.int64()
    numbers = values.cast(width).cast(pa.int64()) if pa.types.is_temporal(values.type) else values.cast(pa.int64())
    if numbers.null_count:
        filled = np.asarray(pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False), dtype=np.float64)
        filled[np.asarray(numbers.is_null().to_numpy(zero_copy_only=False))] = np.nan
        return filled
    return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.int64)
