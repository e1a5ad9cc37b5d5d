"""CREATE and ALTER statements for a MariaDB or MySQL target, from a schema in its terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbclone.dialects.base import quote, quote_all
from dbclone.dialects.mysql_types import IN_UTC
from dbclone.dialects.mysql_values import is_direct, load_expression
from dbclone.schema import Column, ForeignKey, Table, TypeFamily

_TEXTS = (TypeFamily.TEXT, TypeFamily.ENUM, TypeFamily.OPAQUE, TypeFamily.INTERVAL, TypeFamily.ARRAY)


def create_table(table: Table, collation: str) -> str:
    """CREATE TABLE in the source's own words, or with columns, keys and checks; references follow the load.

    ``collation`` is one under which only equal texts are equal, as in the products that tables are translated from.
    """
    if table.ddl is not None:
        return table.ddl
    indexed = {index.name for index in table.indexes}
    items = [_column(column) for column in table.columns]
    if table.primary_key:
        items.append(f"PRIMARY KEY ({quote_all(table.primary_key.columns)})")
    items += [f"UNIQUE KEY {quote(k.name)} ({quote_all(k.columns)})" for k in table.uniques if k.name not in indexed]
    items += [f"CONSTRAINT {quote(check.name)} CHECK ({check.expression})" for check in table.checks]
    body = ",\n  ".join(items)
    options = f"ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE={collation}"
    return f"CREATE TABLE {quote(table.name.name)} (\n  {body}\n) {options}"


def _column(column: Column) -> str:
    parts = [quote(column.name), column.type.sql]
    if column.generated is not None:
        return " ".join([*parts, f"GENERATED ALWAYS AS ({column.generated}) STORED"])
    parts.append("NULL" if column.nullable else "NOT NULL")
    if column.identity:
        parts.append("AUTO_INCREMENT")
    elif column.default is not None:
        # A long text has no constant as default, but may have an expression.
        long = column.type.sql in ("text", "longtext", "longblob", "json")
        parts.append(f"DEFAULT ({column.default})" if long else f"DEFAULT {column.default}")
    if column.type.family is TypeFamily.TIMESTAMP and column.type.with_time_zone:
        parts.append(f"COMMENT '{IN_UTC}'")
    return " ".join(parts)


def index_statements(table: Table) -> Iterator[str]:
    """Indexes that the table was not created with."""
    if table.ddl is None:
        yield from (index.ddl for index in table.indexes)


def foreign_key_statement(table: Table, keys: Sequence[ForeignKey]) -> str:
    """ALTER TABLE that adds all foreign keys of a table at once."""
    added = ", ".join(f"ADD {_foreign_key(key)}" for key in keys)
    return f"ALTER TABLE {quote(table.name.name)} {added}"


def _foreign_key(key: ForeignKey) -> str:
    # The usual rule is left out, as the server itself does when it prints a key.
    actions = (("DELETE", key.on_delete), ("UPDATE", key.on_update))
    told = "".join(f" ON {event} {action}" for event, action in actions if action != "RESTRICT")
    return (
        f"CONSTRAINT {quote(key.name)} FOREIGN KEY ({quote_all(key.columns)})"
        f" REFERENCES {quote(key.parent.name)} ({quote_all(key.parent_columns)}){told}"
    )


def load_statement(table: Table, columns: Sequence[Column], path: str) -> str:
    """LOAD DATA LOCAL of lines as ``mysql_values.lines`` writes them; what is no text goes by way of variables."""
    places, made = [], []
    for at, column in enumerate(columns):
        places.append(quote(column.name) if is_direct(column) else f"@v{at}")
        if not is_direct(column):
            made.append(f"{quote(column.name)} = {load_expression(column, f'@v{at}')}")
    sets = f" SET {', '.join(made)}" if made else ""
    return (
        f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {quote(table.name.name)} CHARACTER SET utf8mb4"
        r" FIELDS TERMINATED BY '\t' ENCLOSED BY '' ESCAPED BY '\\' LINES TERMINATED BY '\n'"
        f" ({', '.join(places)}){sets}"
    )


def insert_statement(table: Table, columns: Sequence[Column]) -> str:
    """INSERT with parameters ``v0``, ``v1``, ... for servers that do not let clients send files."""
    values = ", ".join(load_expression(column, f"%(v{at})s") for at, column in enumerate(columns))
    head = f"INSERT INTO {quote(table.name.name)} ({quote_all(column.name for column in columns)}) VALUES "
    return f"{head.replace('%', '%%')}({values})"
