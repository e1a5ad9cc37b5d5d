"""Real rows as a table's steps: codes, numbers and feature bytes of every value column, in the order of the draw."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from dbclone.columns.base import CodedColumn, MeasuredColumn
from dbclone.columns.codecs import Codec, fit_codec
from dbclone.columns.temporal import DAY, TemporalCodec
from dbclone.models.features import CodedFeature, MeasuredFeature, calendar_parts
from dbclone.models.rows import Rows
from dbclone.models.steps import Scale
from dbclone.plan import ColumnRole, TablePlan
from dbclone.privacy.protection import Guard
from dbclone.schema import Column, Table


@dataclass(frozen=True)
class ColumnStep:
    """A value column: its step's name, codec, feature and scale."""

    column: str
    codec: Codec
    feature: CodedFeature | MeasuredFeature
    scale: Scale
    clock: bool = False
    """The time of day of a timestamp whose day is a step of its own."""

    @property
    def step(self) -> str:
        return f"{'time' if self.clock else 'column'}:{self.column}"

    @property
    def measured(self) -> bool:
        return isinstance(self.feature, MeasuredFeature)


_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(-?\d+(?:\.\d+)?)(?![\w.])")


def named_values(table: Table, column: Column) -> frozenset[str]:
    """Values that the schema itself names for the column: labels of its type, literals of its CHECK constraints."""
    name = re.compile(rf"\b{re.escape(column.name)}\b", re.IGNORECASE)
    texts = [*column.type.checks, *(c.expression for c in table.checks if name.search(c.expression))]
    found = (m for text in texts for m in _LITERAL.finditer(text))
    return frozenset(column.type.values) | {(m[1] if m[1] is not None else m[2]).replace("''", "'") for m in found}


def is_measured(codec: Codec) -> bool:
    """Whether the column is drawn as a number on a lattice."""
    return hasattr(codec, "measure")


def encode_columns(
    table: Table,
    plan: TablePlan,
    data: pa.Table,
    guard: Guard,
    *,
    family: np.ndarray,
    rows: Rows,
    private: frozenset[str] = frozenset(),
) -> tuple[ColumnStep, ...]:
    """Fit the codecs of all value columns and put their codes, numbers and bytes into ``rows``.

    ``family`` (int64[n], ascending) says which rows follow each other, ``private`` which words are personal data's.
    """
    steps: list[ColumnStep] = []
    for column in plan.columns:
        if column.role is not ColumnRole.VALUE:
            continue
        values = data.column(column.column)
        column_of = table.column(column.column)
        public = named_values(table, column_of)
        codec = fit_codec(column.kind, column_of, values, guard.k, guard.owners, public=public, private=private)
        steps += _encode(column.column, codec, values, family, rows=rows, guard=guard)
    return tuple(steps)


def _encode(
    column: str, codec: Codec, values: pa.ChunkedArray, family: np.ndarray, *, rows: Rows, guard: Guard
) -> Iterator[ColumnStep]:
    if not is_measured(codec):
        step = ColumnStep(column, codec, CodedFeature(), Scale())
        coded: CodedColumn = codec  # type: ignore[assignment]
        rows.codes[step.step] = coded.encode(values)
        rows.bytes[step.step] = CodedFeature().view(rows.codes[step.step])
        yield step
        return
    measured: MeasuredColumn = codec  # type: ignore[assignment]
    raw, scale = measured.measure(values), scale_of(codec)
    if not (scale.temporal and _keeps_days_apart(raw, scale.unit, family)):
        yield _measured(ColumnStep(column, codec, CodedFeature(), scale), raw, rows, guard)
        return
    per_day = round(DAY / scale.unit)
    day = np.floor(raw / per_day)
    yield _measured(ColumnStep(column, codec, CodedFeature(), Scale(DAY, scale.offset, True)), day, rows, guard)
    clock = ColumnStep(column, codec, CodedFeature(), Scale(scale.unit), True)
    yield _measured(clock, raw - day * per_day, rows, guard)


def _measured(step: ColumnStep, raw: np.ndarray, rows: Rows, guard: Guard) -> ColumnStep:
    rows.numbers[step.step] = raw
    step = replace(step, feature=measured_feature(raw, step.scale, guard))
    rows.bytes[step.step] = step.feature.view(raw)
    return step


def _keeps_days_apart(raw: np.ndarray, unit: float, family: np.ndarray) -> bool:
    """Whether a timestamp is better drawn as a day and a time of day: its rows rarely share a day."""
    known = raw[~np.isnan(raw)]
    if unit >= DAY or DAY % unit or not len(known) or np.ptp(known) * unit < 20 * DAY:
        return False
    gaps = np.abs(np.diff(raw))[family[1:] == family[:-1]]
    gaps = gaps[~np.isnan(gaps)]
    return len(gaps) < 0.1 * len(raw) or float(np.median(gaps)) * unit >= DAY / 2


def scale_of(codec: Codec) -> Scale:
    """What the lattice numbers of a measured codec mean."""
    if isinstance(codec, TemporalCodec):
        return Scale(float(codec.unit), float(codec.origin), not codec.type.startswith("time64"), True)
    return Scale(codec.unit, codec.origin * codec.unit, False, codec.lattice)  # type: ignore[union-attr]


def measured_feature(raw: np.ndarray, scale: Scale, guard: Guard) -> MeasuredFeature:
    """The bytes that trees see of a measured column."""
    known = raw[~np.isnan(raw)]
    spread = float(np.ptp(known)) * scale.unit if len(known) else 0.0
    parts = calendar_parts(scale.unit, spread) if scale.temporal else 0
    unit, offset = (scale.unit, scale.offset) if scale.temporal else (1.0, 0.0)
    return MeasuredFeature.fit(raw, parts, unit, offset, guard)
