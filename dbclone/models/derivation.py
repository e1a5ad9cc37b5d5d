"""Columns that are computed and not drawn: formulas over a row, totals over children, sums that run along siblings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.base import contiguous
from dbclone.columns.codecs import MeasuredCodec
from dbclone.columns.temporal import DAY, TemporalCodec
from dbclone.columns.written_numbers import WrittenNumberCodec
from dbclone.models.arithmetic import Formula, find_formulas
from dbclone.models.rows import Database, Hop, follow, taken
from dbclone.models.running import Running
from dbclone.models.sieve import NO_SIEVE, Sieve
from dbclone.models.totals import Total, find_totals
from dbclone.schema import TableName


@dataclass(frozen=True)
class Operand:
    """A column of the row itself or, along references, of a parent or a grandparent."""

    name: str
    column: str
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True)
class TotalOf:
    """A total over the children of one reference."""

    child: TableName
    reference: str
    total: Total
    sieve: Sieve = NO_SIEVE
    """What it may not come to, where that can be helped."""


@dataclass(frozen=True)
class DerivedColumn:
    """How a computed number becomes a value of its column."""

    column: str
    codec: MeasuredCodec


@dataclass(frozen=True)
class Derivations:
    """Everything that is computed in one table."""

    columns: tuple[DerivedColumn, ...] = ()
    operands: tuple[Operand, ...] = ()
    formulas: tuple[Formula, ...] = ()
    running: tuple[Running, ...] = ()
    totals: tuple[TotalOf, ...] = ()


NOTHING = Derivations()


def plain(values: pa.ChunkedArray | pa.Array, codec: object = None) -> np.ndarray | None:
    """float64[n] of numbers (text that writes some, if its ``codec`` says so), or of dates and times in days; None for
    other types.  NaN is NULL."""
    if isinstance(codec, WrittenNumberCodec):
        return codec.numbers(values)
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = contiguous(values).cast(pa.float64(), safe=False)
        return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
    if pa.types.is_date32(kind) or pa.types.is_timestamp(kind):
        codec = TemporalCodec(str(kind), 1, 0)
        return codec.measure(values) / DAY
    return None


def on_lattice(codec: MeasuredCodec, numbers: np.ndarray) -> np.ndarray:
    """Lattice numbers of the column from plain ones (see ``plain``)."""
    if isinstance(codec, TemporalCodec):
        return np.round((numbers * DAY - codec.origin) / codec.unit)
    raw = numbers / codec.unit - codec.origin
    return np.round(raw) if codec.lattice else raw


def restored(codec: MeasuredCodec, numbers: np.ndarray) -> pa.Array:
    """Values of the column from plain numbers, rounded to its lattice."""
    return codec.restore(on_lattice(codec, numbers))


def row_formulas(
    targets: Mapping[str, float],
    own: Mapping[str, np.ndarray],
    above: Mapping[Operand, np.ndarray],
    dates: Collection[str],
) -> tuple[tuple[Operand, ...], tuple[Formula, ...]]:
    """Formulas for the targets (name → lattice step) over the row's own columns, ``dates`` too, and its parents'."""
    values = dict(own) | {o.name: v for o, v in above.items()}
    formulas = find_formulas(tuple(targets), values, targets, dates)
    used = {name for f in formulas for name in f.operands}
    operands = tuple(Operand(name, name) for name in own if name in used)
    return operands + tuple(o for o in above if o.name in used), formulas


def parents_columns(
    database: Database, table: TableName, hops: tuple[Hop, ...], columns: Mapping[str, np.ndarray]
) -> dict[Operand, np.ndarray]:
    """The columns at the end of the hops as seen from each row of the table."""
    rows = follow(database, table, hops)
    way = ".".join(hop.parent.name for hop in hops)
    return {Operand(f"{way}.{name}", name, hops): taken(v, rows) for name, v in columns.items()}


def label_codes(values: pa.ChunkedArray | pa.Array, labels: tuple[str, ...]) -> np.ndarray:
    """Which label each value is, as text; −1 for none.  int32[n]."""
    found = pc.index_in(contiguous(values).cast(pa.string()), value_set=pa.array(labels, pa.string()))
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False))


__all__ = [
    "Derivations",
    "DerivedColumn",
    "Operand",
    "TotalOf",
    "find_totals",
    "label_codes",
    "on_lattice",
    "parents_columns",
    "plain",
    "restored",
    "row_formulas",
]
