"""Values between MariaDB and canonical Arrow: one text per row out of the server, tab-separated lines into it.

A driver in Python spends its time on single values.  So the server prints each row as one line of CSV, and Arrow's
reader takes whole blocks of lines apart: four times as fast as columns one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dbclone.dialects.base import MAX_DECIMAL_DIGITS, arrow_type, fitting, quote
from dbclone.dialects.decimals import rounded, to_decimals
from dbclone.dialects.mysql_types import GEOMETRIES, base_of
from dbclone.schema import Column, SqlType, Table, TypeFamily

_NUMBERS = (TypeFamily.BOOLEAN, TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT)
_TIMES = (TypeFamily.DATE, TypeFamily.TIMESTAMP)
_PLAIN = (*_NUMBERS, *_TIMES, TypeFamily.TIME, TypeFamily.BYTES)
"""Families whose text needs neither quotes nor escapes."""
_ZERO = {TypeFamily.DATE: "0000-00-00", TypeFamily.TIMESTAMP: "0000-00-00 00:00:00"}
_BATCH_BYTES = 1 << 27
_LONG_TYPES = ("mediumtext", "longtext", "json", "mediumblob", "longblob")


def range_condition(column: Column) -> str | None:
    """SQL for the values of a column that are days of the calendar; None where all can be.

    Outside are zero dates, days and months that are zero, and the 31st of February.
    """
    if column.type.family not in _TIMES:
        return None
    name = quote(column.name)
    return f"(day({name}) > 0 AND year({name}) > 0 AND date({name}) <= last_day({name}))"


def select_expression(column: Column, value: str = "") -> str:
    """SQL that gives a column, or ``value`` in its place, as text; NULL for values that its family cannot hold."""
    name, found = value or quote(column.name), column.type
    kind = base_of(found)
    if condition := range_condition(column):
        return f"if({condition}, {name}, NULL)"
    if found.family is TypeFamily.BYTES:
        return f"hex({name})"
    if kind == "bit":
        return f"{name} + 0" if found.family is TypeFamily.BOOLEAN else f"lpad(bin({name} + 0), {found.precision}, '0')"
    if kind == "float":
        return f"cast({name} AS double)"
    if kind in GEOMETRIES:
        return f"concat(if(st_srid({name}) = 0, '', concat('SRID=', st_srid({name}), ';')), st_astext({name}))"
    return name if found.family in _PLAIN else f"convert({name} USING utf8mb4)"


def line_expression(columns: Sequence[Column], values: Mapping[str, str]) -> str:
    """SQL that gives a row as one line of CSV: texts in quotes, NULL as nothing.

    ``values`` is what stands for some columns, by name.
    """
    fields = []
    for column in columns:
        text = select_expression(column, values.get(column.name, ""))
        if column.type.family is TypeFamily.BYTES:
            text = f"""concat('"', {text}, '"')"""
        elif column.type.family not in _PLAIN:
            text = f"""concat('"', replace({text}, '"', '""'), '"')"""
        fields.append(f"ifnull({text}, '')")
    return f"concat_ws(',', {', '.join(fields)})"


def parse_lines(lines: Sequence[bytes], columns: Sequence[Column]) -> pa.Table:
    """Lines of ``line_expression`` as a table of texts, numbers and floats."""
    import pyarrow.csv

    data = b"\n".join(lines) + b"\n"
    names = [str(at) for at in range(len(columns))]
    types = {name: _read_as(column.type) for name, column in zip(names, columns, strict=True)}
    return pyarrow.csv.read_csv(
        pa.BufferReader(data),
        pyarrow.csv.ReadOptions(column_names=names, block_size=max(len(data) + 1, 1 << 20), use_threads=False),
        pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        pyarrow.csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
            check_utf8=False,
        ),
    )  # fmt: skip


def apart_expression(column: Column, value: str = "") -> str:
    """SQL that gives a column by itself, its bytes and long texts as they are: functions give no longer ones back."""
    whole = column.type.family in (TypeFamily.BYTES, TypeFamily.TEXT, TypeFamily.JSON) and not value
    return quote(column.name) if whole else select_expression(column, value)


def apart_table(rows: Sequence[Sequence[bytes | None]], columns: Sequence[Column]) -> pa.Table:
    """Rows of ``apart_expression``, as ``parse_lines`` gives them but for bytes: those are bytes already."""
    arrays = []
    for at, column in enumerate(columns):
        values = pa.array([row[at] for row in rows], pa.large_binary())
        if column.type.family is not TypeFamily.BYTES:
            values = pc.cast(pc.cast(values, pa.large_string()), _read_as(column.type))
        arrays.append(values)
    return pa.table(arrays, names=[str(at) for at in range(len(columns))])


def longest_row(columns: Sequence[Column]) -> str | None:
    """SQL for a bound on the bytes of the longest line; None where no column is long."""
    long = [quote(c.name) for c in columns if base_of(c.type) in _LONG_TYPES or base_of(c.type) in GEOMETRIES]
    # Four times: bytes in hexadecimal digits, quotes and characters of several bytes.
    total = " + ".join(f"coalesce(length({name}), 0)" for name in long)
    return f"coalesce(max(4 * ({total})), 0)" if long else None


def _read_as(sql_type: SqlType) -> pa.DataType:
    if sql_type.family is TypeFamily.INTEGER:
        return pa.int64()
    return pa.float64() if sql_type.family is TypeFamily.FLOAT else pa.string()


def to_canonical(values: pa.ChunkedArray, sql_type: SqlType) -> pa.ChunkedArray:
    """A column as ``parse_lines`` gives it in its canonical Arrow type."""
    family, wanted = sql_type.family, arrow_type(sql_type, exact_decimals=True)
    if values.type == wanted and family is not TypeFamily.FLOAT:
        return values
    if family is TypeFamily.DECIMAL:
        return to_decimals(values, sql_type)[0]
    if family is TypeFamily.FLOAT:
        # By way of text a single-precision 0.1 stays 0.1 in double precision.
        single = base_of(sql_type) == "float"
        return pc.cast(pc.cast(pc.cast(values, pa.float32()), pa.string()), wanted) if single else values
    if family is TypeFamily.BOOLEAN:
        return pc.cast(pc.cast(values, pa.int8()), pa.bool_())
    if family is TypeFamily.BYTES and pa.types.is_large_binary(values.type):
        return pc.cast(values, wanted)
    if family is TypeFamily.BYTES:
        return pa.chunked_array([[None if v is None else bytes.fromhex(v) for v in values.to_pylist()]], pa.binary())
    if family is TypeFamily.TIME:
        moments = pc.binary_join_element_wise("1970-01-01", values, " ")
        return pc.cast(pc.cast(moments, pa.timestamp("us")), wanted)
    if family is TypeFamily.TIMESTAMP:
        return pc.cast(pc.cast(values, pa.timestamp("us")), wanted)
    return pc.cast(values, wanted)


def load_expression(column: Column, value: str) -> str:
    """SQL that makes a value of the column from its text (``to_texts``)."""
    kind = base_of(column.type)
    if column.type.family is TypeFamily.BYTES:
        return f"unhex({value})"
    if kind == "bit" and column.type.family is TypeFamily.OPAQUE:
        return f"cast(conv({value}, 2, 10) AS unsigned)"
    if kind == "bit":
        return f"cast({value} AS unsigned)"
    if kind in GEOMETRIES:
        # The SRID stands before the text, as PostGIS writes it.
        srid = f"if(left({value}, 5) = 'SRID=', cast(substring(substring_index({value}, ';', 1), 6) AS unsigned), 0)"
        return f"st_geomfromtext(substring_index({value}, ';', -1), {srid})"
    return value


def is_direct(column: Column) -> bool:
    """Whether a value is loaded as its text is."""
    return load_expression(column, "v") == "v"


def to_texts(table: Table, batch: pa.RecordBatch, columns: Sequence[Column], *, zero_dates: bool) -> list[pa.Array]:
    """Columns as texts.  With ``zero_dates``, NULL in a date that may not be NULL is the product's own zero date."""
    arrays = []
    for values, column in zip(batch.columns, columns, strict=True):
        with fitting(table, column):
            texts = _text_form(values, column.type)
        if zero_dates and not column.nullable and column.type.family in _ZERO:
            texts = pc.fill_null(texts, _ZERO[column.type.family])
        arrays.append(texts)
    return arrays


def _text_form(values: pa.Array, sql_type: SqlType) -> pa.Array:
    family = sql_type.family
    if pa.types.is_null(values.type):
        return pc.cast(values, pa.string())
    if family is TypeFamily.BOOLEAN:
        return pc.cast(pc.cast(pc.cast(values, pa.bool_()), pa.int8()), pa.string())
    if family is TypeFamily.INTEGER:
        return pc.cast(pc.cast(values, pa.int64()), pa.string())
    if family is TypeFamily.DECIMAL and sql_type.scale is not None and (sql_type.precision or 0) <= MAX_DECIMAL_DIGITS:
        return pc.cast(rounded(values, sql_type), pa.string())
    if family is TypeFamily.BYTES:
        return pa.array([None if v is None else v.hex() for v in values.to_pylist()], pa.string())
    if pa.types.is_timestamp(values.type) and values.type.tz:
        return pc.cast(pc.cast(pc.cast(values, pa.timestamp("us", tz="UTC")), pa.timestamp("us")), pa.string())
    if family is TypeFamily.TIMESTAMP:
        return pc.cast(pc.cast(values, pa.timestamp("us")), pa.string())
    if family in (TypeFamily.FLOAT, TypeFamily.DECIMAL) and pa.types.is_floating(values.type):
        return pc.cast(pc.if_else(pc.is_finite(values), values, None), pa.string())
    return pc.cast(values, pa.string())


def lines(texts: Sequence[pa.Array], columns: Sequence[Column]) -> memoryview:
    """Rows as LOAD DATA reads them: fields apart by tabs, NULL as \\N, which no text can be taken for."""
    escaped = [
        values if column.type.family in _PLAIN else _escaped(values)
        for values, column in zip(texts, columns, strict=True)
    ]
    large = [pc.cast(values, pa.large_string()) for values in escaped]
    tab, newline = (pa.scalar(sign, pa.large_string()) for sign in "\t\n")
    joined = pc.binary_join_element_wise(*large, tab, null_handling="replace", null_replacement="\\N")
    return _bytes_of(pc.binary_join_element_wise(joined, pa.scalar("", pa.large_string()), newline))


def _bytes_of(texts: pa.Array) -> memoryview:
    """The characters of all texts, one after another, without a copy."""
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    if not len(texts):
        return memoryview(b"")
    offsets = memoryview(texts.buffers()[1]).cast("q")
    start, end = offsets[texts.offset], offsets[texts.offset + len(texts)]
    return memoryview(texts.buffers()[2])[start:end]


def _escaped(texts: pa.Array) -> pa.Array:
    for character, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n")):
        texts = pc.replace_substring(texts, character, written)
    return texts


def bounded(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that are not too large."""
    for batch in batches:
        rows = max(1, batch.num_rows * _BATCH_BYTES // max(batch.nbytes, 1))
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)
