"""Fills an empty MariaDB database of any schema with a few dozen plausible rows per table, as ``filler`` PostgreSQL."""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pymysql

from tests import mariadb_server
from tests.filler import Column, Filler, ForeignKey, Table, Value, Values

COLUMNS = """
SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE,
  IS_NULLABLE, EXTRA FROM information_schema.COLUMNS JOIN information_schema.TABLES USING (TABLE_SCHEMA, TABLE_NAME)
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME, ORDINAL_POSITION"""
KEYS = """
SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY 1, 2, ORDINAL_POSITION"""
CHECKS = """
SELECT TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = DATABASE() AND CHECK_CLAUSE NOT LIKE 'json_valid(%'"""
UNIQUES = """
SELECT TABLE_NAME, min(COLUMN_NAME) FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 GROUP BY TABLE_NAME, INDEX_NAME HAVING count(*) = 1"""
TYPES = {
    "tinyint": "int2", "smallint": "int2", "mediumint": "int4", "int": "int4", "bigint": "int8", "decimal": "numeric",
    "float": "float4", "double": "float8", "datetime": "timestamp", "longtext": "text", "mediumtext": "text",
    "tinytext": "text", "char": "bpchar", "tinyblob": "blob", "mediumblob": "blob", "longblob": "blob",
}  # fmt: skip


def fill(url: str, rows: int, seed: int = 1) -> dict[str, int]:
    """Give every table of the database up to ``rows`` rows; how many each has now."""
    connection = mariadb_server.connect(url)
    try:
        filler = MariadbFiller(connection, seed)
        # As on PostgreSQL: NOT NULL references in a cycle could not be begun otherwise.
        filler.run("SET foreign_key_checks = 0")
        for table in filler.order():
            filler.add(table, rows)
        filler.close_cycles()
        filler.drop_orphans()
        return {t.name: filler.count(t) for t in filler.tables.values()}
    finally:
        connection.close()


class MariadbFiller(Filler):
    """Draws rows and offers them to a MariaDB server."""

    def __init__(self, connection: pymysql.connections.Connection, seed: int) -> None:
        self.server = connection
        self.tables = self.found()
        self.random = np.random.default_rng(seed)
        self.values = MariadbValues(self.random, seed)
        self.late, self.pools, self.refused = [], {}, defaultdict(list)

    def run(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with self.server.cursor() as cursor:
            cursor.execute(sql, parameters)
            self.touched = cursor.rowcount
            return list(cursor.fetchall())

    def found(self) -> dict[int, Table]:
        columns, keys = defaultdict(list), defaultdict(dict)
        for table, *row in self.run(COLUMNS):
            columns[table].append(_column(*row))
        numbers = {name: number for number, name in enumerate(columns)}
        for table, name, own, parent, theirs in self.run(KEYS):
            keys[table].setdefault((name, parent), []).append((own, theirs))
        checks = self.run(CHECKS)
        alone = self.run(UNIQUES)
        return {
            numbers[name]: Table(
                numbers[name],
                name,
                tuple(found),
                tuple(
                    ForeignKey(tuple(own for own, _ in pairs), numbers[parent], tuple(theirs for _, theirs in pairs))
                    for (_, parent), pairs in keys[name].items()
                ),
                tuple(check for table, check in checks if table == name),
                (),
                "",
                frozenset(column for table, column in alone if table == name),
                False,
            )
            for name, found in columns.items()
        }

    def pool(self, oid: int, columns: tuple[str, ...]) -> list[tuple[Value, ...]]:
        if (oid, columns) not in self.pools:
            listed = ", ".join(map(_quote, columns))
            present = " AND ".join(f"{_quote(name)} IS NOT NULL" for name in columns)
            sql = f"SELECT {listed} FROM {_quote(self.tables[oid].name)} WHERE {present} ORDER BY 1"
            self.pools[oid, columns] = self.run(sql)
        return self.pools[oid, columns]

    def insert(self, table: Table, rows: list[dict[str, Value]]) -> int:
        """Offer rows to the server one by one; how many it took."""
        names = [c.name for c in table.wanted]
        places = ", ".join("ST_GeomFromText(%s)" if c.type == "point" else "%s" for c in table.wanted)
        sql = f"INSERT INTO {_quote(table.name)} ({', '.join(map(_quote, names))}) VALUES ({places})"
        taken = 0
        for row in rows:
            try:
                self.run(sql, [row[name] for name in names])
                taken += 1
            except pymysql.MySQLError as error:
                self.refused[table.name].append(error)  # type: ignore[arg-type]
        return taken

    def close_cycles(self) -> None:
        """Give all rows their late references."""
        for table, key in self.late:
            pool = self.pool(key.parent, key.parent_columns)
            identity = [c.name for c in table.columns if c.name in table.distinct][:1]
            for number, (place,) in enumerate(self.run(f"SELECT {_quote(identity[0])} FROM {_quote(table.name)}")):
                reach = max(1, min(number, len(pool))) if key.parent == table.oid else len(pool)
                set_ = ", ".join(f"{_quote(name)} = %s" for name in key.columns)
                parent = pool[int(self.random.integers(reach))]
                try:
                    sql = f"UPDATE {_quote(table.name)} SET {set_} WHERE {_quote(identity[0])} = %s"
                    self.run(sql, [*parent, place])
                except pymysql.MySQLError:
                    pass

    def _drop_orphans(self, table: Table, key: ForeignKey) -> int:
        equal = " AND ".join(
            f"p.{_quote(theirs)} = c.{_quote(own)}" for own, theirs in zip(key.columns, key.parent_columns, strict=True)
        )
        present = " AND ".join(f"c.{_quote(own)} IS NOT NULL" for own in key.columns)
        source = f"{_quote(table.name)} c LEFT JOIN {_quote(self.tables[key.parent].name)} p ON {equal}"
        self.run(f"DELETE c FROM {source} WHERE {present} AND p.{_quote(key.parent_columns[0])} IS NULL")
        return self.touched

    def count(self, table: Table) -> int:
        return int(self.run(f"SELECT count(*) FROM {_quote(table.name)}")[0][0])


class MariadbValues(Values):
    """Blind values of MariaDB's types."""

    def _scalar(self, column: Column, kind: str) -> Value:
        makers: dict[str, Callable[[], Any]] = {
            "year": lambda: int(self.random.integers(1990, 2030)),
            "set": lambda: ",".join(one for one in column.conditions if self.random.random() < 0.5),
            "bit": lambda: int(self.random.integers(2**column.modifier)),
            "blob": lambda: self.random.bytes(6),
            "binary": lambda: self.random.bytes(column.modifier - 4),
            "varbinary": lambda: self.random.bytes(min(column.modifier - 4, 6)),
            "json": lambda: json.dumps(self._document()),
            "point": lambda: f"POINT({self.random.integers(90)} {self.random.integers(90)})",
            "time": lambda: f"{self.random.integers(24)}:{self.random.integers(60):02}:00",
            "timestamp": lambda: self._moment().isoformat(" "),
        }
        return makers[kind]() if kind in makers else super()._scalar(column, kind)


def _column(name: str, kind: str, spelling: str, *rest: Any) -> Column:
    length, precision, scale, nullable, extra = rest
    labels = re.findall(r"'([^']*)'", spelling) if kind in ("enum", "set") else []
    modifier = -1
    if kind == "decimal":
        modifier = (precision << 16 | scale) + 4
    elif kind == "bit":
        modifier = precision
    elif length is not None and kind not in ("enum", "set"):
        modifier = min(length, 200) + 4
    found = "bool" if spelling == "tinyint(1)" else TYPES.get(kind, kind)
    default = "nextval(" if "auto_increment" in extra else ""
    generated = "GENERATED" in extra
    conditions = labels if kind == "set" else []
    return Column(name, found, "b", modifier, nullable == "NO", default, False, generated,
                  labels if kind == "enum" else [], None, conditions)  # fmt: skip


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'
