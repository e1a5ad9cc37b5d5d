"""Real rows as a table's steps: codes, numbers and feature bytes of every value column, in the order of the draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbclone.columns.base import CodedColumn, MeasuredColumn
from dbclone.columns.codecs import Codec, Filled, fit_codec
from dbclone.columns.temporal import TemporalCodec
from dbclone.models.features import CodedFeature, MeasuredFeature, calendar_parts
from dbclone.models.rows import Rows
from dbclone.models.steps import Scale
from dbclone.plan import ColumnRole, TablePlan
from dbclone.schema import Table


@dataclass(frozen=True)
class ColumnStep:
    """A value column: its step's name, codec, feature and scale."""

    column: str
    codec: Codec
    feature: CodedFeature | MeasuredFeature
    scale: Scale

    @property
    def step(self) -> str:
        return f"column:{self.column}"

    @property
    def measured(self) -> bool:
        return isinstance(self.feature, MeasuredFeature)


def is_measured(codec: Codec) -> bool:
    """Whether the column is drawn as a number on a lattice."""
    return hasattr(codec, "measure")


def encode_columns(table: Table, plan: TablePlan, data: pa.Table, k: int, rows: Rows) -> tuple[ColumnStep, ...]:
    """Fit the codecs of all value columns and put their codes, numbers and bytes into ``rows``."""
    steps = []
    for column in plan.columns:
        if column.role is not ColumnRole.VALUE:
            continue
        values = data.column(column.column)
        codec = fit_codec(column.kind, table.column(column.column), values, k)
        steps.append(_encode(column.column, codec, values, rows))
    return tuple(steps)


def _encode(column: str, codec: Codec, values: pa.ChunkedArray, rows: Rows) -> ColumnStep:
    name = f"column:{column}"
    if isinstance(codec, Filled) or not is_measured(codec):
        coded: CodedColumn = codec  # type: ignore[assignment]
        rows.codes[name] = coded.encode(values)
        feature = CodedFeature()
        rows.bytes[name] = feature.view(rows.codes[name])
        return ColumnStep(column, codec, feature, Scale())
    measured: MeasuredColumn = codec  # type: ignore[assignment]
    raw = measured.measure(values)
    rows.numbers[name] = raw
    scale = scale_of(codec)
    shape = measured_feature(raw, scale)
    rows.bytes[name] = shape.view(raw)
    return ColumnStep(column, codec, shape, scale)


def scale_of(codec: Codec) -> Scale:
    """What the lattice numbers of a measured codec mean."""
    if isinstance(codec, TemporalCodec):
        return Scale(float(codec.unit), float(codec.origin), not codec.type.startswith("time64"), True)
    return Scale(codec.unit, codec.origin * codec.unit, False, codec.lattice)  # type: ignore[union-attr]


def measured_feature(raw: np.ndarray, scale: Scale) -> MeasuredFeature:
    """The bytes that trees see of a measured column."""
    known = raw[~np.isnan(raw)]
    spread = float(np.ptp(known)) * scale.unit if len(known) else 0.0
    parts = calendar_parts(scale.unit, spread) if scale.temporal else 0
    return MeasuredFeature.fit(raw, parts, scale.unit if scale.temporal else 1.0, scale.offset if scale.temporal else 0.0)
