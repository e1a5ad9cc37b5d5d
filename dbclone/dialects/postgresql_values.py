"""Values between PostgreSQL and canonical Arrow: the SELECT list, what comes back, and the two ways of COPY."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from dbclone.dialects.base import MAX_DECIMAL_DIGITS, arrow_type, fitting, quote
from dbclone.dialects.decimals import rounded, to_decimals
from dbclone.schema import Column, SqlType, Table, TypeFamily

if TYPE_CHECKING:
    from pgpq._pgpq import EncoderBuilder

_DAYS = "BETWEEN '0001-01-01' AND '9999-12-31'"
_MOMENTS = "BETWEEN '0001-01-01 00:00:00' AND '9999-12-31 23:59:59.999999'"
_CHUNK_BYTES = 1 << 20


def range_condition(column: Column) -> str | None:
    """SQL for the values of a temporal column that Arrow and other products can hold; None where all can.

    Outside are infinity, years before 1 or after 9999, and 24:00:00.
    """
    name, found = quote(column.name), column.type
    if found.family is TypeFamily.DATE:
        return f"{name} {_DAYS}"
    if found.family is TypeFamily.TIMESTAMP:
        return f"{name} {_MOMENTS}"
    return f"{name} < '24:00'" if found.family is TypeFamily.TIME else None


def select_expression(column: Column) -> str:
    """SQL that gives a column in a type that the Arrow driver hands over faithfully."""
    name, found = quote(column.name), column.type
    if condition := range_condition(column):
        kind = "timestamptz" if found.with_time_zone else found.family.value
        return f"CASE WHEN {condition} THEN {name}::{kind} END AS {name}"
    casts = {TypeFamily.BOOLEAN: "bool", TypeFamily.INTEGER: "int8", TypeFamily.BYTES: "bytea"}
    if found.family is TypeFamily.FLOAT:
        # By way of text a single-precision 0.1 stays 0.1 in double precision.
        return f"{name}::text::float8 AS {name}" if found.precision == 24 else f"{name}::float8 AS {name}"
    return f"{name}::{casts.get(found.family, 'text')} AS {name}"


def to_canonical(values: pa.ChunkedArray, sql_type: SqlType) -> tuple[pa.ChunkedArray, int]:
    """A column as read by ``select_expression`` in its canonical Arrow type, and how many values became NULL."""
    if sql_type.family is TypeFamily.DECIMAL:
        return to_decimals(values, sql_type)
    return pc.cast(values, arrow_type(sql_type, exact_decimals=True)), 0


_BINARY = frozenset(TypeFamily) - {TypeFamily.INTERVAL, TypeFamily.ARRAY, TypeFamily.OPAQUE}
"""Families whose binary form is known whatever the type's spelling: text, enum and json are sent as their text."""


def binary_possible(schema: pa.Schema, columns: Sequence[Column]) -> bool:
    """True if rows of these columns can be sent in COPY's binary form, three to four times as fast as text.

    Floats for a numeric column without scale go as text, the shortest of which is what was meant, and so do those for
    one of more digits than an exact decimal has.
    """
    return all(
        column.type.family in _BINARY
        and not (
            pa.types.is_floating(field.type) and column.type.family is TypeFamily.DECIMAL and not _is_exact(column.type)
        )
        for field, column in zip(schema, columns, strict=True)
    )


def _is_exact(sql_type: SqlType) -> bool:
    return sql_type.scale is not None and (sql_type.precision or 0) <= MAX_DECIMAL_DIGITS


def _converted(
    table: Table, batch: pa.RecordBatch, columns: Sequence[Column], form: Callable[[pa.Array, SqlType], pa.Array]
) -> pa.RecordBatch:
    arrays = []
    for values, column in zip(batch.columns, columns, strict=True):
        with fitting(table, column):
            arrays.append(form(values, column.type))
    return pa.record_batch(arrays, names=batch.schema.names)


def binary_chunks(table: Table, batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[bytes]:
    """Rows in COPY's binary form."""
    import pgpq

    encoder = None
    for batch in batches:
        exact = _converted(table, batch, columns, _binary_form)
        if encoder is None:
            encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(exact.schema, _encoders(exact, columns))
            yield encoder.write_header()
        yield encoder.write_batch(exact)
    if encoder is not None:
        yield encoder.finish()


def _encoders(batch: pa.RecordBatch, columns: Sequence[Column]) -> dict[str, EncoderBuilder]:
    import pgpq
    from pgpq import encoders, schema

    chosen: dict[str, EncoderBuilder] = {}
    for field, column in zip(batch.schema, columns, strict=True):
        if column.type.sql == "jsonb":
            chosen[field.name] = encoders.StringEncoderBuilder.new_with_output(field, schema.Jsonb())
        else:
            chosen[field.name] = pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)
    return chosen


_WIDTHS = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}


def _binary_form(values: pa.Array, sql_type: SqlType) -> pa.Array:
    """A column in the exact Arrow type whose binary form is that of the PostgreSQL type."""
    family = sql_type.family
    if family is TypeFamily.INTEGER:
        return pc.cast(values, _WIDTHS[sql_type.precision or 64])
    if family is TypeFamily.FLOAT:
        return pc.cast(values, pa.float32() if sql_type.precision == 24 else pa.float64(), safe=False)
    if family is TypeFamily.UUID:
        return _uuid_bytes(values)
    if family is TypeFamily.DECIMAL:
        return rounded(values, sql_type)
    if family is TypeFamily.TIMESTAMP and not sql_type.with_time_zone:
        return pc.cast(values, pa.timestamp("us"))
    if family in (TypeFamily.TEXT, TypeFamily.ENUM, TypeFamily.JSON):
        return _without_nul(pc.cast(values, pa.string()))
    return pc.cast(values, arrow_type(sql_type, exact_decimals=True))


def _uuid_bytes(values: pa.Array) -> pa.Array:
    from uuid import UUID

    return pa.array([None if text is None else UUID(text).bytes for text in values.to_pylist()], pa.binary())


def _without_nul(values: pa.Array) -> pa.Array:
    """PostgreSQL's texts cannot hold the character NUL."""
    return pc.replace_substring(values, "\0", "")


def text_chunks(table: Table, batches: Iterable[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[bytes]:
    """Rows as CSV in which every value is quoted and NULL is not, so that the empty text is told from NULL."""
    import pyarrow.csv

    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
    for batch in batches:
        buffer = io.BytesIO()
        pyarrow.csv.write_csv(_converted(table, batch, columns, _text_form), buffer, options)
        data = buffer.getvalue()
        yield from (data[start : start + _CHUNK_BYTES] for start in range(0, len(data), _CHUNK_BYTES))


def _text_form(values: pa.Array, sql_type: SqlType) -> pa.Array:
    if sql_type.family is TypeFamily.BYTES:
        return pa.array([None if v is None else "\\x" + v.hex() for v in values.to_pylist()], pa.string())
    if sql_type.family is TypeFamily.DECIMAL and _is_exact(sql_type):
        values = rounded(values, sql_type)
    if pa.types.is_timestamp(values.type) and values.type.tz:
        naive = pc.cast(pc.cast(values, pa.timestamp("us", tz="UTC")), pa.timestamp("us"))
        return pc.binary_join_element_wise(pc.cast(naive, pa.string()), "+00", "")
    return _without_nul(pc.cast(values, pa.string()))
