"""What MariaDB and MySQL demand of types translated to them: keys of bounded length, references of one type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from dbclone.schema import ForeignKey, Schema, SqlType, Table, TableName, TypeFamily

Types = dict[tuple[TableName, str], SqlType]

_KEY_BYTES = 3072
"""InnoDB's longest key."""
_CHARACTER_BYTES = 4
_OTHER_BYTES = 32
"""No value of another type takes more in a key."""
_ROW_BYTES = 60_000
"""Of 65,535 for all columns of a row that are no TEXT or BLOB."""
MOST_CHARACTERS = _KEY_BYTES // _CHARACTER_BYTES
_RANKS = ("smallint", "int", "bigint")
_LONG = ("longtext", "longblob", "json")


def fit(schema: Schema, types: Types) -> Types:
    """The translated types, changed where a key, a reference or the length of a row demands it."""
    fitted = dict(types)
    for table in schema.tables:
        for name, most in _limits(table, fitted).items():
            fitted[table.name, name] = shortened(fitted[table.name, name], most)
    while _align(schema, fitted):
        pass
    for table in schema.tables:
        _shorten_row(table, fitted, set(_limits(table, fitted)))
    return fitted


def shortened(found: SqlType, most: int) -> SqlType:
    """A text or bytes of at most so many characters: of its own length if that is less."""
    if found.sql == "longblob" or found.sql.startswith("varbinary("):
        length = min(found.length or most, most)
        return replace(found, sql=f"varbinary({length})", length=length)
    if found.sql in _LONG or found.sql.startswith("varchar("):
        length = min(found.length or most, most)
        return SqlType(TypeFamily.TEXT, f"varchar({length})", length=length)
    return found


def _limits(table: Table, types: Types) -> dict[str, int]:
    """How many characters each text or bytes column that is in a key may have."""
    limits: dict[str, int] = {}
    for columns in _keys(table):
        texts = [name for name in columns if _is_long(types[table.name, name])]
        room = _KEY_BYTES - _OTHER_BYTES * (len(columns) - len(texts))
        for name in texts:
            limits[name] = min(limits.get(name, MOST_CHARACTERS), room // _CHARACTER_BYTES // len(texts))
    return limits


def _is_long(found: SqlType) -> bool:
    return found.sql in _LONG or found.sql.startswith(("varchar(", "varbinary("))


def _keys(table: Table) -> Iterable[tuple[str, ...]]:
    yield from (key.columns for key in table.keys)
    yield from (key.columns for key in table.foreign_keys)
    yield from (index.columns for index in table.indexes if index.unique)


def _align(schema: Schema, types: Types) -> bool:
    """Give whole numbers on both sides of a reference the wider of their types; whether any had to change."""
    changed = False
    for table in schema.tables:
        for key in table.foreign_keys:
            for own, theirs in zip(key.columns, key.parent_columns, strict=True):
                child, parent = (table.name, own), (key.parent, theirs)
                one, other = types[child], types[parent]
                if one.sql != other.sql and one.sql in _RANKS and other.sql in _RANKS:
                    types[child] = types[parent] = max(one, other, key=lambda found: _RANKS.index(found.sql))
                    changed = True
    return changed


def _shorten_row(table: Table, types: Types, in_keys: set[str]) -> None:
    """Turn the longest texts outside keys into TEXT until a row is short enough."""
    texts = [c.name for c in table.columns if types[table.name, c.name].sql.startswith("varchar(")]
    total = sum(types[table.name, name].length or 0 for name in texts) * _CHARACTER_BYTES
    for name in sorted(texts, key=lambda name: -(types[table.name, name].length or 0)):
        if total <= _ROW_BYTES:
            return
        if name not in in_keys:
            total -= (types[table.name, name].length or 0) * _CHARACTER_BYTES
            types[table.name, name] = replace(types[table.name, name], sql="text")


def in_order_of_key(key: ForeignKey, parent: Table) -> ForeignKey:
    """The same reference with its pairs of columns in the order of the parent's key, which InnoDB insists on."""
    for known in parent.keys:
        if set(known.columns) == set(key.parent_columns):
            own: Mapping[str, str] = dict(zip(key.parent_columns, key.columns, strict=True))
            return replace(key, columns=tuple(own[column] for column in known.columns), parent_columns=known.columns)
    return key


def refusal(key: ForeignKey, table: Table) -> str:
    """Which action of a key these products do not have: it becomes NO ACTION."""
    if "SET DEFAULT" in (key.on_delete, key.on_update):
        return "SET DEFAULT"
    required = any(not column.nullable for column in table.columns if column.name in key.columns)
    sets_null = "SET NULL" in (key.on_delete, key.on_update)
    if required and sets_null:
        return "SET NULL of a column that may not be NULL"
    if (sets_null or key.on_update == "CASCADE") and _is_looked_at(key.columns, table):
        return "SET NULL or ON UPDATE CASCADE of a column that a check or generated column names"
    return ""


def _is_looked_at(columns: Iterable[str], table: Table) -> bool:
    expressions = [check.expression for check in table.checks]
    expressions += [column.generated for column in table.columns if column.generated is not None]
    words = [re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE) for name in columns]
    return any(word.search(expression) for word in words for expression in expressions)
