"""Values between SQLite and canonical Arrow, in both directions, keeping the text forms that the source uses."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dbclone.dialects.base import arrow_type, literal, quote
from dbclone.schema import Column, SqlType, TypeFamily

TIMESTAMP_SHAPE = "0000-00-00 00:00:00"


def select_expression(column: Column) -> str:
    """SQL that gives a column's values in one storage class, NULL for those that its type cannot hold."""
    name, found = quote(column.name), column.type
    family = found.family
    if family is TypeFamily.BOOLEAN and found.storage:
        false, true = (literal(word) for word in found.storage.split("/"))
        expression = f"CASE {name} WHEN {false} THEN 0 WHEN {true} THEN 1 END"
    elif family is TypeFamily.BOOLEAN:
        expression = f"CASE WHEN {name} IN (0, 1) THEN CAST({name} AS INTEGER) END"
    elif family is TypeFamily.INTEGER:
        expression = f"CASE WHEN typeof({name}) = 'integer' THEN {name} END"
    elif family in (TypeFamily.DECIMAL, TypeFamily.FLOAT):
        expression = f"CASE WHEN typeof({name}) IN ('integer', 'real') THEN CAST({name} AS REAL) END"
    elif family in (TypeFamily.DATE, TypeFamily.TIME, TypeFamily.TIMESTAMP):
        expression = f"CASE WHEN typeof({name}) = 'text' THEN {name} END"
    elif family is TypeFamily.BYTES:
        expression = f"CASE WHEN typeof({name}) = 'blob' THEN {name} END"
    else:
        expression = f"CASE WHEN typeof({name}) <> 'blob' THEN CAST({name} AS TEXT) END"
    return f"{expression} AS {name}"


def to_canonical(values: pa.ChunkedArray, sql_type: SqlType) -> pa.ChunkedArray:
    """A column as read by ``select_expression`` in the canonical Arrow type of its SQL type."""
    wanted = arrow_type(sql_type, exact_decimals=False)
    if values.null_count == len(values):
        return pa.chunked_array([pa.nulls(len(values), wanted)])
    if pa.types.is_string(values.type):
        values = _valid_text(values)
    if values.type == wanted:
        return values
    if sql_type.family in _PARSERS:
        return _parse(values, wanted, _PARSERS[sql_type.family])
    return pc.cast(values, wanted)


def _valid_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """SQLite does not insist on UTF-8; Arrow does."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        raw = values.cast(pa.binary()).to_pylist()
        return pa.chunked_array([[None if v is None else v.decode("utf-8", "replace") for v in raw]], pa.string())
    return values


def _utc(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-"))
    return moment if moment.tzinfo is None else moment.astimezone(datetime.UTC)


_PARSERS: dict[TypeFamily, Callable[[str], object]] = {
    TypeFamily.DATE: datetime.date.fromisoformat,
    TypeFamily.TIME: datetime.time.fromisoformat,
    TypeFamily.TIMESTAMP: _utc,
}


def _parse(values: pa.ChunkedArray, wanted: pa.DataType, parser: Callable[[str], object]) -> pa.ChunkedArray:
    """Arrow parses whole columns of ISO 8601; the odd column that it refuses is parsed value by value."""
    try:
        if pa.types.is_time(wanted):  # for which Arrow has no parser: by way of the times of one day
            moments = pc.binary_join_element_wise("1970-01-01", values, " ")
            return pc.cast(pc.cast(moments, pa.timestamp("us")), wanted)
        return pc.cast(values, wanted)
    except pa.ArrowInvalid:
        return pa.chunked_array([[_parsed(v, parser) for v in values.to_pylist()]], wanted)


def _parsed(text: str | None, parser: Callable[[str], object]) -> object:
    try:
        return None if text is None else parser(text)
    except ValueError:
        return None


def to_storage(values: pa.Array, sql_type: SqlType) -> pa.Array:
    """A canonical column as SQLite stores it: int64, float64, string or binary."""
    family = sql_type.family
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    if family is TypeFamily.BOOLEAN and sql_type.storage:
        false, true = sql_type.storage.split("/")
        return pc.if_else(values, true, false)
    if family in (TypeFamily.BOOLEAN, TypeFamily.INTEGER):
        return pc.cast(values, pa.int64())
    if family in (TypeFamily.DECIMAL, TypeFamily.FLOAT):
        # Arrow's own cast of decimals to floats is off in the last digit; text is not.
        exact = pc.cast(values, pa.string()) if pa.types.is_decimal(values.type) else values
        return pc.cast(exact, pa.float64())
    if family is TypeFamily.BYTES:
        return pc.cast(values, pa.binary())
    if family is TypeFamily.TIMESTAMP:
        return _timestamp_text(values, sql_type)
    if family is TypeFamily.TIME:
        return _time_text(values, sql_type)
    return pc.cast(values, pa.string())


def with_fraction(values: pa.ChunkedArray, sql_type: SqlType) -> SqlType:
    """A temporal type whose source says nothing of its text form, with as many digits as the values need."""
    if sql_type.storage or sql_type.family not in (TypeFamily.TIMESTAMP, TypeFamily.TIME):
        return sql_type
    fraction = pc.any(pc.not_equal(pc.add(pc.millisecond(values), pc.microsecond(values)), 0)).as_py()
    shape = TIMESTAMP_SHAPE if sql_type.family is TypeFamily.TIMESTAMP else "00:00:00"
    zone = "+00:00" if sql_type.with_time_zone else ""
    return replace(sql_type, storage=shape + (".000000" if fraction else "") + zone)


def _timestamp_text(values: pa.Array, sql_type: SqlType) -> pa.Array:
    shape = sql_type.storage or TIMESTAMP_SHAPE
    if pa.types.is_timestamp(values.type) and values.type.tz:
        values = pc.cast(values, pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us"))
    separator, clock = shape[10:11], shape[11:]
    if not clock:
        return _sliced(values, 10)
    zone = clock.lstrip("0:.")
    text = _sliced(values, 11 + len(clock) - len(zone))
    if separator != " ":
        text = pc.replace_substring(text, " ", separator)
    return pc.binary_join_element_wise(text, zone, "") if zone else text


def _sliced(values: pa.Array, length: int) -> pa.Array:
    """Timestamps as text, cut or padded to so many characters: 19 are whole seconds, 26 microseconds."""
    text = pc.cast(pc.cast(values, pa.timestamp("us")), pa.string())
    return pc.utf8_slice_codeunits(text, 0, length) if length < 26 else pc.utf8_rpad(text, length, "0")


def _time_text(values: pa.Array, sql_type: SqlType) -> pa.Array:
    length = len(sql_type.storage or "00:00:00")
    return pc.utf8_slice_codeunits(pc.cast(pc.cast(values, pa.time64("us")), pa.string()), 0, length)
