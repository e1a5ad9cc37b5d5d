"""Foreign keys that follow from others: where two keys of a table share columns, their parents share values.

The lines of an order refer to their tenant and, by tenant and number, to their order.  Then an order belongs to a
tenant as well, whether or not its table says so; drawn by itself, the tenant of an order would be none that a line can
have, and the lines would be lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbclone.abc import Read
from dbclone.graph import ancestors
from dbclone.matching import ORPHAN, parent_rows
from dbclone.schema import ForeignKey, Schema, Table, TableName, Virtual
from dbclone.virtual_keys import comparable, virtual_name, with_keys


def with_implied(schema: Schema, counts: Mapping[TableName, int], read: Read) -> Schema:
    """The schema with these keys as virtual ones, where all rows hold them and no cycle comes of it.

    ``read`` is asked for the tables that such a key would join only.
    """
    for table in schema.tables:
        for name, key in _implied(schema, table):
            if counts.get(name, 0) and _can_be(schema, name, key) and _holds(key, name, read):
                schema = with_keys(schema, [(name, key)])
    return schema


def _implied(schema: Schema, table: Table) -> Iterator[tuple[TableName, ForeignKey]]:
    """For a key whose columns are some of another's: the same reference, from the other's parent."""
    plain = [
        key for key in table.foreign_keys if key.virtual is None or key.virtual == Virtual(unique=key.virtual.unique)
    ]
    for part in plain:
        for whole in plain:
            if set(part.columns) < set(whole.columns) and whole.parent != part.parent:
                holder, columns = _lifted(schema, whole.parent, _above(whole, part.columns))
                virtual = Virtual(unique=part.virtual is not None and part.virtual.unique)
                named = virtual_name(schema.table(holder), columns, virtual)
                if holder != part.parent:
                    yield holder, ForeignKey(named, columns, part.parent, part.parent_columns, virtual=virtual)


def _lifted(schema: Schema, name: TableName, columns: tuple[str, ...]) -> tuple[TableName, tuple[str, ...]]:
    """The table, and its columns, from which the columns of a table come over its own references, hop by hop."""
    passed = {name}
    while True:
        keys = (k for k in schema.table(name).foreign_keys if set(columns) <= set(k.columns) and k.virtual is None)
        key = next((k for k in keys if k.parent not in passed), None)
        if key is None:
            return name, columns
        name, columns = key.parent, _above(key, columns)
        passed.add(name)


def _above(key: ForeignKey, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The parent's columns that some of the key's refer to."""
    return tuple(key.parent_columns[key.columns.index(column)] for column in columns)


def _can_be(schema: Schema, name: TableName, key: ForeignKey) -> bool:
    """Whether the columns refer to nothing yet, compare with their parent's, and the parent is loaded without them."""
    child, parent = schema.table(name), schema.table(key.parent)
    referring = {column for known in child.foreign_keys for column in known.columns}
    columns = [child.column(column) for column in key.columns]
    pairs = zip(columns, (parent.column(column) for column in key.parent_columns), strict=True)
    return (
        referring.isdisjoint(key.columns)
        and all(column.generated is None for column in columns)
        and all(comparable(own, theirs) for own, theirs in pairs)
        and name not in ancestors(schema, key.parent)
    )


def _holds(key: ForeignKey, name: TableName, read: Read) -> bool:
    return not (parent_rows(read(name), read(key.parent), key) == ORPHAN).any()
