"""MariaDB's and MySQL's column types as families; what only the values can tell is decided in ``mysql_storage``."""

from __future__ import annotations

import re
from dataclasses import replace

from dbclone.dialects.mysql_catalogue import ColumnRow
from dbclone.schema import SqlType, TypeFamily

_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_TEXTS = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext"}
_BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}
_OTHERS: dict[str, TypeFamily] = {
    "date": TypeFamily.DATE, "time": TypeFamily.TIME, "datetime": TypeFamily.TIMESTAMP,
    "timestamp": TypeFamily.TIMESTAMP, "json": TypeFamily.JSON, "uuid": TypeFamily.UUID,
}  # fmt: skip
_LABEL = re.compile(r"'((?:[^']|'')*)'")
_MOST_BYTES_OF_A_CHARACTER = 4
IN_UTC = "in UTC"
"""Comment of a DATETIME column that stands for a time with time zone: TIMESTAMP holds the years 1970 to 2038 only."""
GEOMETRIES = frozenset({
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
    "geometrycollection", "geomcollection",
})  # fmt: skip


def sql_type(row: ColumnRow, holds_json: bool) -> SqlType:
    """The type of a column; ``holds_json``: a check says that its text is valid JSON, which MariaDB's JSON means."""
    kind, spelling = row.data_type, row.column_type
    unsigned = "unsigned" in spelling
    if kind in _BITS:
        return _integer(kind, spelling)
    if kind == "year":
        return SqlType(TypeFamily.INTEGER, spelling, precision=16)
    if kind == "bit":
        family = TypeFamily.BOOLEAN if row.precision == 1 else TypeFamily.OPAQUE
        return SqlType(family, spelling, precision=row.precision)
    if kind == "decimal":
        return SqlType(TypeFamily.DECIMAL, spelling, precision=row.precision, scale=row.scale, unsigned=unsigned)
    if kind in ("float", "double"):
        return SqlType(TypeFamily.FLOAT, spelling, precision=24 if kind == "float" else 53, unsigned=unsigned)
    if kind == "enum":
        return SqlType(TypeFamily.ENUM, spelling, values=_labels_of(spelling))
    if kind in _TEXTS:
        return SqlType(TypeFamily.JSON, spelling) if holds_json else _text(row)
    if kind in _BYTES:
        return SqlType(TypeFamily.BYTES, spelling, length=row.length)
    family = _OTHERS.get(kind, TypeFamily.OPAQUE)
    zoned = kind == "timestamp" or (kind == "datetime" and row.comment == IN_UTC)
    return SqlType(family, spelling, scale=row.fraction, with_time_zone=zoned)


def _integer(kind: str, spelling: str) -> SqlType:
    """BOOLEAN is a TINYINT(1) to these products: whether it holds more than 0 and 1 is for the values to say."""
    found = SqlType(TypeFamily.INTEGER, spelling, precision=_BITS[kind], unsigned="unsigned" in spelling)
    if kind == "tinyint" and spelling.startswith("tinyint(1)"):
        return replace(found, family=TypeFamily.BOOLEAN, precision=None)
    return found


def _text(row: ColumnRow) -> SqlType:
    """TEXT types are limited in bytes: as many characters as certainly fit; the longer ones have no limit to tell."""
    length = row.length
    if row.data_type in ("tinytext", "text") and length is not None:
        length //= _MOST_BYTES_OF_A_CHARACTER
    return SqlType(TypeFamily.TEXT, row.column_type, length=None if row.data_type.startswith(("m", "l")) else length)


def _labels_of(spelling: str) -> tuple[str, ...]:
    """The labels of an ENUM or SET in its declared order."""
    return tuple(label.replace("''", "'").replace("\\\\", "\\") for label in _LABEL.findall(spelling))


def base_of(found: SqlType) -> str:
    """The type's bare name."""
    return re.split(r"[ (]", found.sql, maxsplit=1)[0]
