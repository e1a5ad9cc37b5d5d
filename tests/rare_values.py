"""Looks for rare values of a database in its clone: those that fewer than k entities hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.connection import open_source
from dbclone.models.observation import observe
from dbclone.plan import ColumnRole, Plan, TableRole
from dbclone.schema import TableName

Tables = Mapping[TableName, pa.Table]
AROUND, NEARLY_ALL = 12, 0.75
"""Numbers on each side of one that was hit, and the share of them that must be somebody's to excuse it."""
MONTH, MOST = 30, 0.6
"""The same for dates."""
SMALL = 100


@dataclass(frozen=True)
class Hits:
    """A column of a protected table, and how many of its rare values stand in the clone."""

    table: str
    column: str
    kind: str
    rare: int
    hit: int
    rows: int
    """Rows of the clone that hold them."""
    of: int
    """Rows of the clone that hold any value."""
    open: int
    """How many of them could have been avoided: texts, and numbers around which there are others that nobody has."""


def rows_of(path: Path, plan: Plan) -> Tables:
    with open_source(str(path)) as source:
        return {t.table: source.read(plan.schema.table(t.table)) for t in plan.tables}


def rare_values(plan: Plan, source: Tables, clone: Tables, k: int) -> Iterator[Hits]:
    """All value columns of the synthesised tables; entities are found as the engine finds them."""
    seen = observe(plan, source.__getitem__, k)
    for planned in plan.tables:
        if planned.role is not TableRole.SYNTHESISE:
            continue
        observed = seen.tables[planned.table]
        for column in planned.columns:
            if column.role is ColumnRole.VALUE:
                values = observed.data.column(column.column).combine_chunks()
                rare = _rare(values, observed.guard.entities, k)
                there = clone[planned.table].column(column.column).drop_null()
                hit = there.filter(pc.is_in(there, value_set=rare.cast(there.type)))
                name = (str(planned.table), column.column, column.kind)
                found, excuse = pc.unique(hit), _avoidable(pc.unique(hit), values, rare)
                yield Hits(*name, len(rare), len(found), len(hit), len(there), excuse)


def rare_texts(plan: Plan, source: Tables, k: int) -> Iterator[str]:
    """Texts that fewer than k entities hold, in all text columns of the synthesised tables."""
    seen = observe(plan, source.__getitem__, k)
    for planned in plan.tables:
        if planned.role is TableRole.SYNTHESISE:
            observed = seen.tables[planned.table]
            for name in observed.data.column_names:
                values = observed.data.column(name).combine_chunks()
                if pa.types.is_string(values.type):
                    yield from _rare(values, observed.guard.entities, k).to_pylist()


def common_texts(plan: Plan, source: Tables, k: int) -> Iterator[str]:
    """Texts that at least k entities hold, in columns of the synthesised tables that are not personal."""
    seen = observe(plan, source.__getitem__, k)
    for planned in plan.tables:
        for column in planned.columns if planned.role is TableRole.SYNTHESISE else ():
            observed = seen.tables[planned.table]
            if column.column in observed.data.column_names and not column.kind.startswith("pii:"):
                values = observed.data.column(column.column).combine_chunks()
                if pa.types.is_string(values.type):
                    held = _held(values, observed.guard.entities)
                    yield from held.filter(pc.greater_equal(held["entity_count_distinct"], k))["value"].to_pylist()


def _rare(values: pa.Array, entities: np.ndarray, k: int) -> pa.Array:
    held = _held(values, entities)
    return held.filter(pc.less(held["entity_count_distinct"], k))["value"].combine_chunks()


def _held(values: pa.Array, entities: np.ndarray) -> pa.Table:
    pairs = pa.table({"value": values, "entity": entities}).filter(values.is_valid())
    return pairs.group_by("value").aggregate([("entity", "count_distinct")])


def _avoidable(hit: pa.Array, values: pa.Array, rare: pa.Array) -> int:
    """Values that were hit but for no need: the numbers around are not all somebody's, nor is the range a small one."""
    numbers, hits = _lattice(values, values), _lattice(hit, values)
    if numbers is None or hits is None or not len(hits):
        return len(hit)
    known = np.unique(numbers)
    if len(known) < SMALL and np.ptp(known) < SMALL and len(known) < 2 * len(rare):
        return 0
    around, least = (MONTH, MOST) if pa.types.is_temporal(values.type) else (AROUND, NEARLY_ALL)
    low, high = np.maximum(hits - around, known[0]), np.minimum(hits + around, known[-1])
    near = np.searchsorted(known, high, side="right") - np.searchsorted(known, low)
    return int((near < least * (high - low + 1)).sum())


def _lattice(values: pa.Array, like: pa.Array) -> np.ndarray | None:
    """Numbers and times in units of the smallest step between those of ``like``; None for what is no number."""
    plain, others = _plain(values), _plain(like)
    if plain is None or others is None:
        return None
    gaps = np.diff(np.unique(np.round(others, 6)))
    return np.round(plain / gaps.min()) if len(gaps) else plain


def _plain(values: pa.Array) -> np.ndarray | None:
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        values = values.cast(pa.timestamp("us")).cast(pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    return values.drop_null().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
