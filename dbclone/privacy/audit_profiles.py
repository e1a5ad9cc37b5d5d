"""What an attacker can know of an entity: the columns of its row, and aggregates over all that hangs from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.graph import references
from dbclone.matching import NULL, Rows, parent_rows
from dbclone.privacy.audit_values import NUMBERS, TEXTS, descriptive, numbers
from dbclone.schema import Column, ForeignKey, Schema, TableName

Tables = Mapping[TableName, pa.Table]
Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]

OWN_LEVELS = 20
"""Categories of an entity's own column that are told apart; the others are one."""
CHILD_LEVELS = 5
"""Categories of a child's column whose share among the entity's children is taken."""
MAX_BRANCHES = 20
"""Tables hanging from the entities whose rows are aggregated, the nearest ones first."""
NAMING_SHARE = 0.5
"""Share of distinct values from which on a text names rows: as a category it would say nothing."""


@dataclass(frozen=True)
class Branch:
    """A way down from the entities: the rows of a table, and the keys that lead from it up to them."""

    table: TableName
    path: tuple[ForeignKey, ...]

    def entities(self, tables: Tables) -> Rows:
        """For each row of the table the position of its entity, negative where there is none."""
        child, rows = self.table, np.arange(tables[self.table].num_rows, dtype=np.int64)
        for key in self.path:
            onward = parent_rows(tables[child], tables[key.parent], key)
            rows = np.where(rows >= 0, onward[np.maximum(rows, 0)], NULL) if len(onward) else np.full_like(rows, NULL)
            child = key.parent
        return rows


def branches(schema: Schema, unit: TableName) -> tuple[Branch, ...]:
    """Every foreign key to ``unit``, then one shortest way to each table further down."""
    found = [Branch(r.child, (r.foreign_key,)) for r in references(schema) if r.parent == unit and not r.is_self]
    seen = {unit, *(b.table for b in found)}
    for branch in found:
        for r in references(schema):
            if r.parent == branch.table and r.child not in seen:
                seen.add(r.child)
                found.append(Branch(r.child, (r.foreign_key, *branch.path)))
    return tuple(found[:MAX_BRANCHES])


@dataclass(frozen=True)
class Attribute:
    """One thing known of every entity."""

    name: str
    of_children: bool
    values: Floats
    """[entities]; NaN: unknown.  Of a category its number."""
    levels: int = 0
    """Number of levels of a category; 0: a number."""
    weight: float = 1.0
    """How much of a distance it makes up: the aggregates of one column share the weight of one."""


@dataclass(frozen=True)
class _Source:
    """A column that is looked at."""

    column: Column
    is_number: bool
    levels: pa.Array
    """The categories that are told apart in it."""

    def codes(self, rows: pa.Table) -> npt.NDArray[np.int64]:
        """The level of each row; the number of levels for any other value; −1 for NULL."""
        column = rows.column(self.column.name).cast(pa.string())
        found = pc.fill_null(pc.index_in(column, value_set=self.levels), len(self.levels))
        return np.where(column.is_null().to_numpy(), -1, found.to_numpy()).astype(np.int64)


@dataclass(frozen=True)
class Profiler:
    """Which attributes are taken; learned from real rows, so that all databases are measured alike."""

    unit: TableName
    own: tuple[_Source, ...]
    below: tuple[tuple[Branch, tuple[_Source, ...]], ...]

    @classmethod
    def learn(cls, schema: Schema, unit: TableName, real: Sequence[Tables]) -> Profiler:
        """``real``: databases whose values, taken together, say which categories there are."""
        own = tuple(_sources(schema, unit, real, OWN_LEVELS))
        below = tuple((b, tuple(_sources(schema, b.table, real, CHILD_LEVELS))) for b in branches(schema, unit))
        return cls(unit, own, below)

    def attributes(self, tables: Tables) -> tuple[Attribute, ...]:
        """The attributes of every row of the unit's table, in the same order for every database."""
        rows = tables[self.unit]
        found = [_own(source, rows) for source in self.own]
        for branch, sources in self.below:
            found += _of_branch(branch, sources, tables, rows.num_rows)
        return tuple(found) or (Attribute("nothing", False, np.zeros(rows.num_rows)),)


@dataclass(frozen=True)
class Scaler:
    """Attributes as vectors in which a typical difference in any column is about one."""

    middles: tuple[float, ...]
    widths: tuple[float, ...]
    incomplete: tuple[bool, ...]

    @classmethod
    def learn(cls, real: Sequence[Sequence[Attribute]]) -> Scaler:
        """From the attributes of real entities (one sequence per database)."""
        pooled = [np.concatenate([a.values for a in same]) for same in zip(*real, strict=True)]
        known = [values[~np.isnan(values)] for values in pooled]
        return cls(
            tuple(float(np.median(v)) if len(v) else 0.0 for v in known),
            tuple(_width(v) for v in known),
            tuple(len(k) < len(p) for k, p in zip(known, pooled, strict=True)),
        )

    def vectors(self, attributes: Sequence[Attribute]) -> Vectors:
        """[entities, features]: numbers by median and quartiles, then compressed; categories one-hot; NULLs marked."""
        parts = [part for i, a in enumerate(attributes) for part in self._features(i, a)]
        return np.stack(parts, axis=1).astype(np.float32)

    def groups(self, attributes: Sequence[Attribute]) -> npt.NDArray[np.int64]:
        """[features]: the place of the attribute that each feature stands for."""
        widths = [sum(1 for _ in self._features(i, a)) for i, a in enumerate(attributes)]
        return np.repeat(np.arange(len(widths)), widths)

    def _features(self, place: int, attribute: Attribute) -> Iterator[Floats]:
        values, weight = attribute.values, float(np.sqrt(attribute.weight))
        if attribute.levels:
            yield from ((values == level) * (weight / np.sqrt(2)) for level in range(attribute.levels))
            return
        scaled = np.arcsinh((values - self.middles[place]) / self.widths[place])
        yield np.nan_to_num(scaled, nan=0.0) * weight
        if self.incomplete[place]:
            yield np.isnan(values) * weight


def _width(values: Floats) -> float:
    """The quartile distance in standard deviations of a normal distribution, or the standard deviation if that is 0."""
    if not len(values):
        return 1.0
    low, high = np.quantile(values, [0.25, 0.75])
    return float((high - low) / 1.349) or float(values.std()) or 1.0


def _sources(schema: Schema, name: TableName, real: Sequence[Tables], limit: int) -> Iterator[_Source]:
    for column in descriptive(schema.table(name)):
        if column.type.family in NUMBERS and all(_is_number(t[name].column(column.name).type) for t in real):
            yield _Source(column, True, pa.array([], pa.string()))
        elif column.type.family in TEXTS or column.type.family in NUMBERS:
            values = pa.chunked_array([c for t in real for c in t[name].column(column.name).cast(pa.string()).chunks])
            counts = pc.value_counts(values.drop_null())
            if len(counts) <= NAMING_SHARE * len(values):
                yield _Source(column, False, _most_frequent(counts, limit))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind)) or bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind)
    )


def _most_frequent(counts: pa.StructArray, limit: int) -> pa.Array:
    order = pc.array_sort_indices(counts.field("counts"), order="descending")
    return counts.field("values").take(order[:limit])


def _own(source: _Source, rows: pa.Table) -> Attribute:
    if source.is_number:
        return Attribute(source.column.name, False, numbers(rows.column(source.column.name)))
    codes = source.codes(rows).astype(np.float64)
    return Attribute(source.column.name, False, np.where(codes < 0, np.nan, codes), len(source.levels) + 1)


def _of_branch(branch: Branch, sources: tuple[_Source, ...], tables: Tables, entities: int) -> Iterator[Attribute]:
    owners, rows = branch.entities(tables), tables[branch.table]
    name = ".".join([str(branch.table), *branch.path[0].columns])
    size = np.bincount(owners[owners >= 0], minlength=entities).astype(np.float64)
    yield Attribute(f"{name}: count", True, size)
    for source in sources:
        if source.is_number:
            found = _of_numbers(numbers(rows.column(source.column.name)), owners, entities)
        else:
            found = _of_categories(source.codes(rows), len(source.levels), owners, entities)
        for what, values in found.items():
            yield Attribute(f"{name}: {what} {source.column.name}", True, values, weight=1 / len(found))


def _of_numbers(values: Floats, owners: Rows, entities: int) -> dict[str, Floats]:
    known = (owners >= 0) & ~np.isnan(values)
    owners, values = owners[known], values[known]
    size = np.bincount(owners, minlength=entities)
    low, high = np.full(entities, np.inf), np.full(entities, -np.inf)
    np.minimum.at(low, owners, values)
    np.maximum.at(high, owners, values)
    empty = np.where(size == 0, np.nan, 0.0)
    mean = np.bincount(owners, values, minlength=entities) / np.maximum(size, 1)
    return {
        "mean": mean + empty,
        "least": np.where(size == 0, np.nan, low),
        "greatest": np.where(size == 0, np.nan, high),
        "distinct": _distinct(np.unique(values, return_inverse=True)[1], owners, entities) + empty,
    }


def _of_categories(codes: npt.NDArray[np.int64], levels: int, owners: Rows, entities: int) -> dict[str, Floats]:
    known = (owners >= 0) & (codes >= 0)
    owners, codes = owners[known], codes[known]
    size = np.bincount(owners, minlength=entities)
    empty = np.where(size == 0, np.nan, 0.0)
    found = {"distinct": _distinct(codes, owners, entities) + empty}
    for level in range(levels):
        here = np.bincount(owners[codes == level], minlength=entities)
        found[f"share of level {level} of"] = here / np.maximum(size, 1) + empty
    return found


def _distinct(codes: npt.NDArray[np.int64], owners: Rows, entities: int) -> Floats:
    """Different codes per entity."""
    if not len(codes):
        return np.zeros(entities)
    width = int(codes.max()) + 1
    return np.bincount(np.unique(owners * width + codes) // width, minlength=entities).astype(np.float64)
