"""Decimals that a product prints as text, as Arrow's decimals."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dbclone.dialects.base import MAX_DECIMAL_DIGITS, arrow_type
from dbclone.schema import SqlType


def to_decimals(texts: pa.ChunkedArray, sql_type: SqlType) -> tuple[pa.ChunkedArray, int]:
    """Numerics by way of text; without a declared scale that of the values, floats if 38 digits do not suffice.

    Infinity and NaN become NULL; their number is told.
    """
    # No pa.array here or below: it imports pandas, where that is installed, which takes longer than the reading.
    special = pc.match_substring_regex(texts, "[NI]")
    lost = pc.sum(special).as_py() or 0
    if lost:
        texts = pc.if_else(special, None, texts)
    if sql_type.precision and sql_type.precision <= MAX_DECIMAL_DIGITS and (sql_type.scale or 0) >= 0:
        return pc.cast(texts, arrow_type(sql_type, exact_decimals=True)), lost
    plain = pc.utf8_ltrim(texts, "-")
    point = pc.find_substring(plain, ".")
    whole = pc.if_else(pc.less(point, 0), pc.utf8_length(plain), point)
    scale = pc.max(pc.subtract(pc.utf8_length(plain), pc.add(whole, pc.if_else(pc.less(point, 0), 0, 1)))).as_py() or 0
    digits = (pc.max(whole).as_py() or 1) + scale
    if digits > MAX_DECIMAL_DIGITS:
        return pc.cast(texts, pa.float64()), lost
    return pc.cast(texts, pa.decimal128(MAX_DECIMAL_DIGITS, scale)), lost


def rounded(values: pa.Array, sql_type: SqlType) -> pa.Array:
    """Floats as decimals of the type's scale; decimals as they are."""
    if not pa.types.is_floating(values.type):
        return values
    scale = sql_type.scale or 0
    return pc.cast(pc.round(values, scale), pa.decimal128(MAX_DECIMAL_DIGITS, scale))
