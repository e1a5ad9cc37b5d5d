"""PostgreSQL's types as families, through domains and arrays; and the statements that create a user's own types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from dbclone.dialects.base import literal, quote
from dbclone.dialects.postgresql_catalogue import Attribute, Type
from dbclone.schema import Column, Schema, SqlType, Statement, TypeFamily

_FAMILIES: dict[str, tuple[TypeFamily, int | None]] = {
    "bool": (TypeFamily.BOOLEAN, None),
    "int2": (TypeFamily.INTEGER, 16),
    "int4": (TypeFamily.INTEGER, 32),
    "int8": (TypeFamily.INTEGER, 64),
    "numeric": (TypeFamily.DECIMAL, None),
    "float4": (TypeFamily.FLOAT, 24),
    "float8": (TypeFamily.FLOAT, 53),
    "text": (TypeFamily.TEXT, None),
    "varchar": (TypeFamily.TEXT, None),
    "bpchar": (TypeFamily.TEXT, None),
    "name": (TypeFamily.TEXT, None),
    "date": (TypeFamily.DATE, None),
    "time": (TypeFamily.TIME, None),
    "timestamp": (TypeFamily.TIMESTAMP, None),
    "timestamptz": (TypeFamily.TIMESTAMP, None),
    "interval": (TypeFamily.INTERVAL, None),
    "uuid": (TypeFamily.UUID, None),
    "json": (TypeFamily.JSON, None),
    "jsonb": (TypeFamily.JSON, None),
    "bytea": (TypeFamily.BYTES, None),
}
"""Family and, where it has one, width in bits of the built-in types; all others are OPAQUE."""

_TYPMOD_HEADER = 4
"""Bytes of a varlena header, which the catalogue adds to lengths and precisions."""
_NAME_LENGTH = 63


def sql_type(types: Mapping[int, Type], oid: int, modifier: int, spelling: str) -> SqlType:
    """The type of a column, spelled as the catalogue does."""
    kind = types[oid]
    if kind.kind == "d":
        base = sql_type(types, kind.base, kind.modifier, kind.base_sql or "")
        return replace(base, sql=spelling, checks=(*base.checks, *kind.checks))
    if kind.kind == "e":
        return SqlType(TypeFamily.ENUM, spelling, values=tuple(kind.labels))
    if kind.category == "A" and kind.element in types:
        element = types[kind.element]
        return SqlType(TypeFamily.ARRAY, spelling, item=sql_type(types, element.oid, modifier, element.sql))
    if kind.name == "citext":
        return SqlType(TypeFamily.TEXT, spelling)
    if kind.schema != "pg_catalog" or kind.name not in _FAMILIES:
        return SqlType(TypeFamily.OPAQUE, spelling)
    return _built_in(kind.name, modifier, spelling)


def _built_in(name: str, modifier: int, spelling: str) -> SqlType:
    family, bits = _FAMILIES[name]
    found = SqlType(family, spelling, precision=bits, with_time_zone=name == "timestamptz")
    if name == "name":
        return replace(found, length=_NAME_LENGTH)
    if modifier < 0:
        return found
    if name in ("varchar", "bpchar"):
        return replace(found, length=modifier - _TYPMOD_HEADER)
    if name == "numeric":
        digits = modifier - _TYPMOD_HEADER
        # Scale is an 11-bit signed number since PostgreSQL 15, and was never above 1000 before.
        scale = ((digits & 0x7FF) ^ 1024) - 1024
        return replace(found, precision=digits >> 16, scale=scale)
    if family in (TypeFamily.TIME, TypeFamily.TIMESTAMP):
        return replace(found, scale=modifier)
    return found


_CANDIDATES = (
    "", "0", "1", "a", "{}", "[]", "()", "empty", "0/0", "(0,0)", "[(0,0),(1,1)]", "<(0,0),1>",
    *(f"({',' * n})" for n in range(1, 24)),
)  # fmt: skip
"""Texts that are values of most types; the last ones are rows of NULLs."""


def with_constants(schema: Schema, is_valid: Callable[[str, str], bool]) -> Schema:
    """The schema with a constant for each opaque type of a column that must have a value.

    ``is_valid(text, type)`` asks the server whether a text can be cast to a type.
    """

    def needs(column: Column) -> bool:
        return column.type.family is TypeFamily.OPAQUE and not column.nullable and column.generated is None

    @cache
    def constant(kind: str) -> str:
        return next((text for text in _CANDIDATES if is_valid(text, kind)), "")

    def completed(column: Column) -> Column:
        return replace(column, type=replace(column.type, constant=constant(column.type.sql)))

    tables = (
        replace(table, columns=tuple(completed(c) if needs(c) else c for c in table.columns))
        if any(map(needs, table.columns))
        else table
        for table in schema.tables
    )
    return replace(schema, tables=tuple(tables))


def create_types(types: Sequence[Type], attributes: Mapping[int, list[Attribute]]) -> Iterator[Statement]:
    """CREATE TYPE and CREATE DOMAIN for the user's own types, in the order in which they were made."""
    kinds = {"e": "enum", "d": "domain", "r": "range type", "c": "composite type"}
    for kind in types:
        name = f"{kind.schema}.{kind.name}"
        yield Statement(kinds[kind.kind], name, _create_type(kind, attributes), kind.schema)


def _create_type(kind: Type, attributes: Mapping[int, list[Attribute]]) -> str:
    name = f"{quote(kind.schema)}.{quote(kind.name)}"
    if kind.kind == "e":
        return f"CREATE TYPE {name} AS ENUM ({', '.join(literal(label) for label in kind.labels)})"
    if kind.kind == "d":
        checks = (
            f" CONSTRAINT {quote(check)} CHECK ({condition})"
            for check, condition in zip(kind.check_names, kind.checks, strict=True)
        )
        default = f" DEFAULT {kind.default}" if kind.default is not None else ""
        not_null = " NOT NULL" if kind.not_null else ""
        collation = f" COLLATE {kind.collation}" if kind.collation else ""
        return f"CREATE DOMAIN {name} AS {kind.base_sql}{collation}{default}{not_null}{''.join(checks)}"
    if kind.kind == "r":
        return f"CREATE TYPE {name} AS RANGE (SUBTYPE = {kind.subtype}{kind.range_options})"
    fields = (
        f"{quote(field.name)} {field.sql}{f' COLLATE {field.collation}' if field.collation else ''}"
        for field in attributes.get(kind.relation, [])
    )
    return f"CREATE TYPE {name} AS ({', '.join(fields)})"
