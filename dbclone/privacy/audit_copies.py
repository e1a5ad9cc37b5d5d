"""What the clone has in common with the rows it was fitted to, each count beside what two halves of real rows share.

Equality is no leak by itself: there are only so many ages.  What matters is more of it than between two real halves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dbclone.graph import Reference, references
from dbclone.matching import Rows, parent_rows
from dbclone.privacy.audit_profiles import branches
from dbclone.privacy.audit_values import Codes, descriptive, row_hashes, shared_codes
from dbclone.schema import Schema, Table, TableName, TypeFamily

Tables = Mapping[TableName, pa.Table]

MIN_COLUMNS = 3
"""Rows of fewer descriptive columns are equal by chance."""
NAMING_SHARE = 0.5
"""Share of distinct values from which on the texts of a column name their rows."""
MIN_STRINGS = 20
_IDENTIFYING = frozenset({TypeFamily.TEXT, TypeFamily.UUID, TypeFamily.JSON})


class SharedKind(StrEnum):
    """What may have been copied."""

    ROWS = "rows equal to a real row"
    RARE = "rare values"
    STRINGS = "strings"
    DEGREES = "children per parent"
    RARE_DEGREES = "rare numbers of children"


@dataclass(frozen=True)
class Shared:
    """``found`` of the ``total`` things of a kind that the clone (or, of rare values, the data) has in common."""

    kind: SharedKind
    table: TableName
    columns: tuple[str, ...]
    """Empty: all descriptive columns.  Of numbers of children: the foreign key."""
    total: int
    found: int
    halves_total: int
    halves_found: int
    """The same with the half of the data that the model has never seen in place of the clone."""

    @property
    def share(self) -> float:
        """The part that is shared with the clone."""
        return self.found / self.total if self.total else 0.0

    @property
    def floor(self) -> float:
        """The part that is shared with fresh real rows: what is to be expected without any copying."""
        return self.halves_found / self.halves_total if self.halves_total else 0.0


@dataclass(frozen=True)
class Databases:
    """The rows that the model was fitted to, those it has never seen, and the clone."""

    schema: Schema
    unit: TableName
    split: frozenset[TableName]
    """The tables of which the model has seen one half; of the others it has seen all rows."""
    members: Tables
    controls: Tables
    synthetic: Tables
    copied: frozenset[TableName]
    """Reference tables, whose rows the clone repeats on purpose: nothing is counted in them."""


def count_shared(data: Databases, k: int, rng: np.random.Generator) -> tuple[Shared, ...]:
    """Everything counted; values and numbers of children are rare if fewer than ``k`` entities (parents) have them."""
    found: list[Shared] = []
    for table in data.schema.tables:
        if table.name not in data.copied:
            trio = _trio(data, table.name, rng)
            found += [*_rows(table, trio), *_strings(table, trio)]
    found += _rare_values(data, k)
    for reference in references(data.schema):
        if reference.child in data.split:
            found += _degrees(data, reference, k)
    return tuple(found)


@dataclass(frozen=True)
class _Trio:
    members: pa.Table
    controls: pa.Table
    synthetic: pa.Table
    split: bool


def _trio(data: Databases, name: TableName, rng: np.random.Generator) -> _Trio:
    """One table's rows.  Of a table of which the model has seen all, a random half stands for fresh rows."""
    members, synthetic = data.members[name], data.synthetic[name]
    if name in data.split:
        return _Trio(members, data.controls[name], synthetic, True)
    side = rng.permutation(members.num_rows) % 2 == 0
    return _Trio(members, members.filter(pa.array(side)), synthetic, False)


def _rows(table: Table, trio: _Trio) -> Iterator[Shared]:
    columns = [c.name for c in descriptive(table)]
    if len(columns) < MIN_COLUMNS:
        return
    members, controls, synthetic = row_hashes([trio.members, trio.controls, trio.synthetic], columns)
    others = members if trio.split else _without(members, controls)
    found, halves = int(np.isin(synthetic, members).sum()), int(np.isin(controls, others).sum())
    yield Shared(SharedKind.ROWS, table.name, (), len(synthetic), found, len(controls), halves)


def _strings(table: Table, trio: _Trio) -> Iterator[Shared]:
    referring = {name for fk in table.foreign_keys for name in fk.columns}
    for column in table.insertable:
        if column.type.family not in _IDENTIFYING or column.name in referring:
            continue
        codes = shared_codes([t.column(column.name) for t in (trio.members, trio.controls, trio.synthetic)])
        all_members = codes[0][codes[0] >= 0]
        members, controls, synthetic = (np.unique(c[c >= 0]) for c in codes)
        if len(members) < max(MIN_STRINGS, NAMING_SHARE * len(all_members)):
            continue
        others = members if trio.split else np.unique(_without(codes[0], codes[1]))
        found, halves = int(np.isin(synthetic, members).sum()), int(np.isin(controls, others).sum())
        yield Shared(SharedKind.STRINGS, table.name, (column.name,), len(synthetic), found, len(controls), halves)


def _without(all_of: npt.NDArray[np.generic], some: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """What is left of a multiset when ``some`` of it are taken out."""
    values, times = np.unique(all_of, return_counts=True)
    taken, of_them = np.unique(some, return_counts=True)
    times[np.searchsorted(values, taken)] -= of_them
    return values[times > 0]


def _rare_values(data: Databases, k: int) -> Iterator[Shared]:
    """Values of fewer than k entities, per column of the tables that hang from an entity."""
    owners = {data.unit: np.arange(data.members[data.unit].num_rows, dtype=np.int64)}
    for branch in branches(data.schema, data.unit):
        owners.setdefault(branch.table, branch.entities(data.members))
    for name, owner in owners.items():
        for column in descriptive(data.schema.table(name)) if name not in data.copied else ():
            tables = (data.members[name], data.controls[name], data.synthetic[name])
            members, controls, synthetic = shared_codes([t.column(column.name) for t in tables])
            rare = _held_by_few(members, owner, k)
            found, halves = (int(np.isin(rare, codes).sum()) for codes in (synthetic, controls))
            yield Shared(SharedKind.RARE, name, (column.name,), len(rare), found, len(rare), halves)


def _held_by_few(codes: Codes, owners: Rows, k: int) -> Codes:
    """The codes that fewer than k entities hold."""
    known = (codes >= 0) & (owners >= 0)
    if not known.any():
        return np.zeros(0, dtype=np.int64)
    width = int(owners.max()) + 1
    values, times = np.unique(np.unique(codes[known] * width + owners[known]) // width, return_counts=True)
    return np.asarray(values[times < k], dtype=np.int64)


def _degrees(data: Databases, reference: Reference, k: int) -> Iterator[Shared]:
    """Whether numbers of children per parent come again: as a whole, and those that few parents have."""
    members, controls, synthetic = (_sizes(t, reference) for t in (data.members, data.controls, data.synthetic))
    columns, rare = reference.foreign_key.columns, _few(members, k)
    again, halves = _in_common(synthetic, members), _in_common(controls, members)
    yield Shared(SharedKind.DEGREES, reference.child, columns, len(synthetic), again, len(controls), halves)
    found, halves = (int(np.isin(rare, sizes).sum()) for sizes in (synthetic, controls))
    yield Shared(SharedKind.RARE_DEGREES, reference.child, columns, len(rare), found, len(rare), halves)


def _sizes(tables: Tables, reference: Reference) -> Rows:
    rows = parent_rows(tables[reference.child], tables[reference.parent], reference.foreign_key)
    return np.bincount(rows[rows >= 0], minlength=tables[reference.parent].num_rows).astype(np.int64)


def _few(sizes: Rows, k: int) -> Rows:
    values, times = np.unique(sizes, return_counts=True)
    return np.asarray(values[times < k], dtype=np.int64)


def _in_common(some: Rows, others: Rows) -> int:
    """How many of ``some`` find a partner of their own among ``others``."""
    width = int(max(some.max(initial=0), others.max(initial=0))) + 1
    return int(np.minimum(np.bincount(some, minlength=width), np.bincount(others, minlength=width)).sum())
