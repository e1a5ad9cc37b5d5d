"""Declared SQLite types and what they promise.  SQLite enforces none of it: ``sqlite_storage`` looks at the values."""

from __future__ import annotations

import re

from dbclone.schema import SqlType, TypeFamily

_ARGUMENTS = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_NAMES: tuple[tuple[str, TypeFamily], ...] = (
    # Order matters: the first name that stands in the declaration decides.
    ("BOOL", TypeFamily.BOOLEAN),
    ("INTERVAL", TypeFamily.TEXT),
    ("DATETIME", TypeFamily.TIMESTAMP),
    ("TIMESTAMP", TypeFamily.TIMESTAMP),
    ("DATE", TypeFamily.DATE),
    ("TIME", TypeFamily.TIME),
    ("UUID", TypeFamily.UUID),
    ("GUID", TypeFamily.UUID),
    ("UNIQUEIDENTIFIER", TypeFamily.UUID),
    ("JSON", TypeFamily.JSON),
    # SQLite's own affinity rules, in its own order, then the names that they miss.
    ("POINT", TypeFamily.TEXT),
    ("INT", TypeFamily.INTEGER),
    ("CHAR", TypeFamily.TEXT),
    ("CLOB", TypeFamily.TEXT),
    ("TEXT", TypeFamily.TEXT),
    ("STRING", TypeFamily.TEXT),
    ("BLOB", TypeFamily.BYTES),
    ("BINARY", TypeFamily.BYTES),
    ("BYTEA", TypeFamily.BYTES),
    ("REAL", TypeFamily.FLOAT),
    ("FLOA", TypeFamily.FLOAT),
    ("DOUB", TypeFamily.FLOAT),
    ("SERIAL", TypeFamily.INTEGER),
    ("NUMERIC", TypeFamily.DECIMAL),
    ("DECIMAL", TypeFamily.DECIMAL),
    ("NUMBER", TypeFamily.DECIMAL),
    ("MONEY", TypeFamily.DECIMAL),
    ("BIT", TypeFamily.BOOLEAN),
)


def declared_type(declaration: str) -> SqlType:
    """What a declared type promises; OPAQUE where it is missing or unknown, so that the values decide."""
    upper = declaration.upper()
    family = next((family for name, family in _NAMES if name in upper), TypeFamily.OPAQUE)
    arguments = _ARGUMENTS.search(declaration)
    first, second = (arguments.group(1), arguments.group(2)) if arguments else (None, None)
    length = int(first) if first and family is TypeFamily.TEXT else None
    precision = scale = None
    if family is TypeFamily.INTEGER:
        precision = 64
    elif family is TypeFamily.DECIMAL and first:
        precision, scale = int(first), int(second or 0)
    zoned = family is TypeFamily.TIMESTAMP and ("TZ" in upper or "WITH TIME ZONE" in upper)
    return SqlType(family, declaration, length, precision, scale, with_time_zone=zoned)
