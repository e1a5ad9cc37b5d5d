"""Codes, numbers and bytes of drawn rows whose values were changed: what tables below are drawn from must follow."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dbclone.columns.categorical import CategoricalCodec
from dbclone.columns.temporal import DAY
from dbclone.models.encoding import ColumnStep
from dbclone.models.rows import Rows


def carry_over(rows: Rows, step: ColumnStep, to: np.ndarray, donors: np.ndarray) -> None:
    """Give rows what other rows have in a step, in place; both int64[m]."""
    for held in (rows.codes, rows.numbers):
        if step.step in held:
            held[step.step][to] = held[step.step][donors]
    if step.step in rows.bytes:
        rows.bytes[step.step][:, to] = rows.bytes[step.step][:, donors]


def encode_again(rows: Rows, step: ColumnStep, edited: np.ndarray, values: pa.Array) -> None:
    """Put new values into a step at the edited rows (int64[m]), as far as its codec knows them."""
    if not len(edited):
        return
    new = values.take(pa.array(edited))
    if step.measured and step.step in rows.numbers:
        raw = _raw(step, new)
        rows.numbers[step.step][edited] = raw
        rows.bytes[step.step][:, edited] = step.feature.view(raw)
    elif isinstance(step.codec, CategoricalCodec) and step.step in rows.codes:
        codes = step.codec.encode(new.cast(step.codec.levels.type))
        rows.codes[step.step][edited] = codes
        rows.bytes[step.step][:, edited] = step.feature.view(codes)


def _raw(step: ColumnStep, values: pa.Array) -> np.ndarray:
    """The numbers of a step; of a timestamp in two steps, those of its day or of its time of day."""
    raw: np.ndarray = step.codec.measure(values)  # type: ignore[union-attr]
    unit = getattr(step.codec, "unit", 1)
    per_day = round(DAY / unit) if step.scale.temporal else 0
    if step.clock:
        return raw - np.floor(raw / per_day) * per_day
    whole_days = step.scale.temporal and step.scale.unit == DAY and unit < DAY
    return np.floor(raw / per_day) if whole_days else raw
