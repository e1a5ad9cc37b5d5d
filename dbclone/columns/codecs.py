"""Which codec serves which kind of column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.base import NULL, contiguous
from dbclone.columns.categorical import CategoricalCodec
from dbclone.columns.identifier import KeyMaker
from dbclone.columns.numeric import NumericCodec
from dbclone.columns.opaque import BytesCodec, OpaqueCodec, fit_opaque
from dbclone.columns.structured import StructuredCodec
from dbclone.columns.temporal import TemporalCodec
from dbclone.columns.text import TextCodec
from dbclone.columns.written_numbers import WRITTEN_NUMBER, WrittenNumberCodec
from dbclone.schema import Column, SqlType, TypeFamily


@dataclass(frozen=True)
class Filled:
    """A column of which only NULL or not is modelled; the values are made afterwards (PII, identifiers)."""

    kind: str
    maker: KeyMaker | None = None

    size: int = 2
    """One more where it is also modelled in which rows the value is another column's (models.copies)."""

    def encode(self, values: pa.ChunkedArray | pa.Array) -> np.ndarray:
        """1 where there is a value, int32[n]."""
        return contiguous(values).is_valid().to_numpy(zero_copy_only=False).astype(np.int32)

    def decode(self, codes: np.ndarray, rng: np.random.Generator, unique: bool = False) -> pa.Array:
        """Fresh identifiers where the code is 1; only for columns that have a maker."""
        if self.maker is None:
            raise TypeError("a column of personal data is filled with its whole row")
        made = self.maker.make(int((codes != NULL).sum()), rng)
        if not len(made):
            return pa.nulls(len(codes), made.type)
        place = np.cumsum(codes != NULL) - 1
        return made.take(pa.array(np.maximum(place, 0), mask=codes == NULL))


def is_personal(codec: object) -> bool:
    """Whether a column's values are made up with the persons of their rows."""
    return isinstance(codec, Filled) and codec.maker is None


Codec = (
    CategoricalCodec | NumericCodec | TemporalCodec | WrittenNumberCodec | TextCodec | StructuredCodec | OpaqueCodec
    | BytesCodec | Filled
)  # fmt: skip


MeasuredCodec = NumericCodec | TemporalCodec | WrittenNumberCodec
"""Those that code a column as numbers on a lattice."""


_COVERED = 0.5
"""Share of rows whose numbers or dates must be kept for the column to be one of categories."""


def fit_codec(
    kind: str,
    column: Column,
    values: pa.ChunkedArray,
    k: int,
    entities: np.ndarray | None = None,
    *,
    public: frozenset[str] = frozenset(),
    private: frozenset[str] = frozenset(),
) -> Codec:
    """The codec of a value column, fitted; the Arrow type decides where it contradicts the kind.

    ``entities`` (int64[n]) says whose row each is (None: each its own), ``public`` which values the schema names,
    ``private`` which words are those of personal data.
    """
    number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)
    if kind.startswith("pii:") and (pa.types.is_string(values.type) or pa.types.is_integer(values.type)):
        return Filled(kind)
    if kind == "identifier":
        return Filled(kind, KeyMaker.fit(values, column.type, k, entities))
    if pa.types.is_temporal(values.type) and kind != "categorical":
        return TemporalCodec.fit(values, k, entities)
    if number and kind not in ("categorical", "boolean"):
        return NumericCodec.fit(values, k, entities, _most(column.type))
    if kind == "structured":
        return StructuredCodec.fit(values, column.type, k, entities, column.name, private=private)
    if kind == "opaque" or pa.types.is_binary(values.type):
        return fit_opaque(values, column.type, k, entities, nullable=column.nullable)
    if kind == WRITTEN_NUMBER:
        written = WrittenNumberCodec.fit(values, k, entities, column.type.length, private)
        other = "text" if 2 * pc.count_distinct(values).as_py() > len(values) else "categorical"
        return written or fit_codec(other, column, values, k, entities, public=public, private=private)
    if kind == "text" and pa.types.is_string(values.type):
        return TextCodec.fit(values, k, entities, column.type.length, private)
    levels = CategoricalCodec.fit(values, k, entities, public, column.type.length, private=private)
    if levels.rare[1] > (1 - _COVERED) * (len(values) - values.null_count):
        if number:
            return NumericCodec.fit(values, k, entities, _most(column.type))
        if pa.types.is_temporal(values.type):
            return TemporalCodec.fit(values, k, entities)
    return levels


def _most(found: SqlType) -> int | None:
    """The largest number of an unsigned BIGINT that is read as a decimal: of 64 bits, not of 20 digits."""
    digits = found.family is TypeFamily.DECIMAL and found.unsigned and not found.scale
    return 2**64 - 1 if digits and found.sql.startswith("bigint") else None


def is_enum(column: Column) -> bool:
    """Whether only declared labels may stand in the column."""
    return column.type.family is TypeFamily.ENUM
