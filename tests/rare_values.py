"""Looks for rare values of a database in its clone: those that fewer than k entities hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.connection import open_source
from dbclone.models.observation import observe
from dbclone.models.sieve import crowded, is_small_domain
from dbclone.plan import ColumnRole, Plan, TableRole
from dbclone.schema import TableName

Tables = Mapping[TableName, pa.Table]


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
    crowded: float
    """Share of the lattice that the source's values take where they are dense: 0 for texts."""
    of: int
    """Rows of the clone that hold any value."""
    longest: int
    """Letters of the longest rare text that was hit."""


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
                yield Hits(*name, len(rare), len(pc.unique(hit)), len(hit), _crowded(values), len(there), _longest(hit))


def _rare(values: pa.Array, entities: np.ndarray, k: int) -> pa.Array:
    pairs = pa.table({"value": values, "entity": entities}).filter(values.is_valid())
    held = pairs.group_by("value").aggregate([("entity", "count_distinct")])
    return held.filter(pc.less(held["entity_count_distinct"], k))["value"].combine_chunks()


def _longest(texts: pa.ChunkedArray) -> int:
    return int(pc.max(pc.utf8_length(texts)).as_py() or 0) if pa.types.is_string(texts.type) else 0


def _crowded(values: pa.Array) -> float:
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        values = values.cast(pa.timestamp("us")).cast(pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return 0.0
    numbers = values.drop_null().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if not len(numbers):
        return 0.0
    gaps = np.diff(np.unique(np.round(numbers, 6)))
    if not len(gaps):
        return 1.0
    places = np.round(numbers / gaps.min())
    return 1.0 if is_small_domain(places) else crowded(places)
