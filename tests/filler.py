"""Fills an empty PostgreSQL database of any schema with a few dozen plausible rows per table.

Keys, references and types are read from the catalogue by queries of the filler's own.  Values are drawn blindly by type
and by the literals that conditions name; what breaks a CHECK or repeats a key is dropped by the server.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg
from faker import Faker

from tests.matching_texts import matching_text

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
Connection = psycopg.Connection[tuple[Any, ...]]
UNKNOWN = ("hstore", "ltree", "frange", "trange")
"""Types of which the filler knows no values."""
ROUNDS = 25
"""Sets of rows that are drawn for a table before it has to do with fewer than wished for."""

TABLES = """
SELECT c.oid::int8, c.oid::regclass::text, pg_get_partkeydef(c.oid) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend e
    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY 2"""

COLUMNS = """
WITH RECURSIVE base AS (
  SELECT oid AS type, oid AS base, -1 AS modifier, typnotnull AS required FROM pg_type WHERE typtype <> 'd'
  UNION ALL
  SELECT d.oid, b.base, CASE WHEN b.modifier < 0 THEN d.typtypmod ELSE b.modifier END, d.typnotnull OR b.required
  FROM pg_type d JOIN base b ON d.typtype = 'd' AND d.typbasetype = b.type)
SELECT a.attrelid::int8, a.attname, t.typname, t.typtype::text,
  CASE WHEN a.atttypmod < 0 THEN b.modifier ELSE a.atttypmod END,
  a.attnotnull OR b.required, coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attidentity <> '', a.attgenerated <> '',
  ARRAY(SELECT enumlabel::text FROM pg_enum e WHERE e.enumtypid IN (t.oid, t.typelem) ORDER BY enumsortorder),
  CASE WHEN t.typcategory = 'A' THEN (SELECT typname FROM pg_type i WHERE i.oid = t.typelem) END,
  ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.contypid = a.atttypid)
FROM pg_attribute a JOIN base b ON b.type = a.atttypid JOIN pg_type t ON t.oid = b.base
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum"""

_NAMES = (
    "ARRAY(SELECT attname::text FROM unnest(k.{keys}) WITH ORDINALITY AS u(n, place)"
    " JOIN pg_attribute a ON a.attrelid = k.{of} AND a.attnum = u.n ORDER BY place)"
)
FOREIGN_KEYS = f"""
SELECT DISTINCT coalesce(pg_partition_root(k.conrelid), k.conrelid)::oid::int8,
  {_NAMES.format(keys="conkey", of="conrelid")},
  coalesce(pg_partition_root(k.confrelid), k.confrelid)::oid::int8, {_NAMES.format(keys="confkey", of="confrelid")}
FROM pg_constraint k WHERE k.contype = 'f' ORDER BY 1, 2"""

CHECKS = "SELECT conrelid::int8, pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
BOUNDS = """
SELECT pg_partition_root(oid)::oid::int8, pg_get_expr(relpartbound, oid) FROM pg_class
WHERE relispartition AND relkind = 'r'"""
UNIQUES = """
SELECT i.indrelid::int8, array_agg(a.attname::text), i.indimmediate FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indisunique OR NOT i.indimmediate GROUP BY i.indexrelid"""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    kind: str
    modifier: int
    required: bool
    default: str
    identity: bool
    generated: bool
    labels: list[str]
    item: str | None
    conditions: list[str]

    @property
    def numbered(self) -> bool:
        """Whether the server itself counts it."""
        return self.identity or self.default.startswith("nextval(")


@dataclass(frozen=True)
class ForeignKey:
    columns: tuple[str, ...]
    parent: int
    parent_columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    oid: int
    name: str
    columns: tuple[Column, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[str, ...]
    bounds: tuple[str, ...]
    partition_key: str
    distinct: frozenset[str]
    """Columns that are unique by themselves."""
    deferrable: bool
    """Whether a key or exclusion waits for the end of the transaction, which ON CONFLICT does not understand."""

    def required(self, key: ForeignKey) -> bool:
        return all(c.required for c in self.columns if c.name in key.columns)

    @property
    def wanted(self) -> list[Column]:
        """The columns that the filler gives values."""
        referring = {name for key in self.foreign_keys for name in key.columns}
        return [c for c in self.columns if not c.generated and (c.name in referring or not c.numbered)]


def tables_of(connection: Connection) -> dict[int, Table]:
    """All tables by oid."""
    columns, keys, checks, bounds, uniques = (
        _grouped(connection, sql) for sql in (COLUMNS, FOREIGN_KEYS, CHECKS, BOUNDS, UNIQUES)
    )
    return {
        oid: Table(
            oid,
            name,
            tuple(Column(*row) for row in columns[oid]),
            tuple(ForeignKey(tuple(own), parent, tuple(theirs)) for own, parent, theirs in keys[oid]),
            tuple(row[0] for row in checks[oid]),
            tuple(row[0] for row in bounds[oid]),
            partition_key or "",
            frozenset(names[0] for names, _ in uniques[oid] if len(names) == 1),
            not all(immediate for _, immediate in uniques[oid]),
        )
        for oid, name, partition_key in connection.execute(TABLES).fetchall()
    }


def _grouped(connection: Connection, sql: str) -> dict[int, list[tuple[Any, ...]]]:
    groups: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for oid, *rest in connection.execute(sql.encode()).fetchall():
        groups[oid].append(tuple(rest))
    return groups


def fill(url: str, rows: int, seed: int = 1) -> dict[str, int]:
    """Give every table of the database up to ``rows`` rows; how many each has now."""
    with psycopg.connect(url) as connection:
        # Foreign keys are off meanwhile: NOT NULL ones in a cycle could not be begun otherwise.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        filler = Filler(connection, seed)
        for table in filler.order():
            filler.add(table, rows)
        filler.close_cycles()
        filler.drop_orphans()
        connection.execute("ANALYZE")
        return {t.name: filler.count(t) for t in filler.tables.values()}


class Filler:
    """Draws rows and offers them to the server."""

    def __init__(self, connection: Connection, seed: int) -> None:
        self.connection = connection
        self.tables = tables_of(connection)
        self.random = np.random.default_rng(seed)
        self.values = Values(self.random, seed)
        self.late: list[tuple[Table, ForeignKey]] = []
        """References that are given after all tables have rows."""
        self.pools: dict[tuple[int, tuple[str, ...]], list[tuple[Value, ...]]] = {}
        self.refused: dict[str, list[psycopg.Error]] = defaultdict(list)
        """Why the server refused single rows, by table."""

    def order(self) -> list[Table]:
        """Parents first; a reference that closes a cycle is late, one that may be NULL if there is such."""
        done: dict[int, Table] = {}
        waiting = dict(self.tables)
        while waiting:
            ready = [t for t in waiting.values() if not self._blocking(t, done)]
            if not ready:
                ready = [t for t in waiting.values() if not any(t.required(k) for k in self._blocking(t, done))]
                ready = ready[:1] or [min(waiting.values(), key=lambda t: len(self._blocking(t, done)))]
            for table in ready:
                self.late += [(table, key) for key in table.foreign_keys if key.parent not in done]
                done[table.oid] = waiting.pop(table.oid)
        return list(done.values())

    def _blocking(self, table: Table, done: dict[int, Table]) -> list[ForeignKey]:
        return [k for k in table.foreign_keys if k.parent not in done and k.parent != table.oid]

    def add(self, table: Table, rows: int) -> int:
        """Insert up to that many rows; how many were taken."""
        taken, late = 0, [key for owner, key in self.late if owner.oid == table.oid]
        for _ in range(ROUNDS):
            drawn = [row for row in (self._row(table, late) for _ in range(rows - taken)) if row is not None]
            taken += self.insert(table, drawn)
            if taken >= rows or not drawn:
                break
        return taken

    def _row(self, table: Table, late: list[ForeignKey]) -> dict[str, Value] | None:
        """One row; None if a parent that it needs has none."""
        row: dict[str, Value] = {}
        sparse = self.random.random() < 0.5
        for key in table.foreign_keys:
            if key in late:
                row |= {n: None for n in key.columns if n not in row and not _required(table, n)}
                continue
            parents = self._parents(key, row)
            if parents and (table.required(key) or self.random.random() < 0.8):
                chosen = parents[int(self.random.integers(len(parents)))]
                row |= dict(zip(key.columns, chosen, strict=True))
            elif table.required(key):
                return None
            else:
                row |= {n: None for n in key.columns if n not in row and not _required(table, n)}
        for column in table.wanted:
            if column.name not in row:
                row[column.name] = self.values.draw(table, column, sparse)
        return row

    def _parents(self, key: ForeignKey, row: dict[str, Value]) -> list[tuple[Value, ...]]:
        """Rows of the parent that agree with what other keys have already set."""
        pool = self.pool(key.parent, key.parent_columns)
        fixed = [(at, row[name]) for at, name in enumerate(key.columns) if row.get(name) is not None]
        return [values for values in pool if all(values[at] == value for at, value in fixed)] if fixed else pool

    def pool(self, oid: int, columns: tuple[str, ...]) -> list[tuple[Value, ...]]:
        if (oid, columns) not in self.pools:
            listed = ", ".join(f"{quote(name)}::text" for name in columns)
            present = " AND ".join(f"{quote(name)} IS NOT NULL" for name in columns)
            sql = f"SELECT {listed} FROM {self.tables[oid].name} WHERE {present} ORDER BY 1"
            self.pools[oid, columns] = self.connection.execute(sql.encode()).fetchall()
        return self.pools[oid, columns]

    def insert(self, table: Table, rows: list[dict[str, Value]]) -> int:
        """Offer rows to the server, halving a set that it refuses; how many it took."""
        if not rows:
            return 0
        listed = ", ".join(quote(c.name) for c in table.wanted)
        checks = "".join(f" AND ({check}) IS NOT FALSE" for check in table.checks)
        if listed:
            source = f"json_populate_recordset(NULL::{table.name}, %(rows)s::json) AS drawn WHERE true{checks}"
            sql = f"INSERT INTO {table.name} ({listed}) OVERRIDING SYSTEM VALUE SELECT {listed} FROM {source}"
        else:
            sql = f"INSERT INTO {table.name} DEFAULT VALUES"
        sql = sql.replace("%", "%%").replace("%%(rows)s", "%(rows)s")
        if not table.deferrable:
            sql += " ON CONFLICT DO NOTHING"
        try:
            with self.connection.transaction():
                return self.connection.execute(sql.encode(), {"rows": json.dumps(rows)}).rowcount
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(rows) == 1:
                self.refused[table.name].append(error)
                return 0
            middle = len(rows) // 2
            return self.insert(table, rows[:middle]) + self.insert(table, rows[middle:])

    def close_cycles(self) -> None:
        """Give most rows their late references; those of them that a CHECK forbids are left as they are."""
        for table, key in self.late:
            pool = self.pool(key.parent, key.parent_columns)
            places = self.connection.execute(f"SELECT tableoid::int8, ctid FROM {table.name} ORDER BY 1, 2".encode())
            for number, (part, place) in enumerate(places.fetchall()):
                if not pool or (not table.required(key) and self.random.random() < 0.4):
                    continue
                # Earlier rows only: a tree, not a ring.
                reach = max(1, min(number, len(pool))) if key.parent == table.oid else len(pool)
                self._point(table, key, (part, place), pool[int(self.random.integers(reach))])

    def _point(self, table: Table, key: ForeignKey, place: tuple[int, str], parent: Sequence[Value]) -> None:
        types = {c.name: c.type for c in table.columns}
        set_ = ", ".join(f"{quote(n)} = %s::text::{quote(types[n])}" for n in key.columns)
        sql = f"UPDATE {table.name} SET {set_} WHERE tableoid = %s AND ctid = %s::tid"
        try:
            with self.connection.transaction():
                self.connection.execute(sql.encode(), (*parent, *place))
        except psycopg.IntegrityError:
            pass

    def drop_orphans(self) -> None:
        """Delete rows whose reference could not be given, and what hangs from them."""
        dropped = 1
        while dropped:
            dropped = sum(self._drop_orphans(t, key) for t in self.tables.values() for key in t.foreign_keys)

    def _drop_orphans(self, table: Table, key: ForeignKey) -> int:
        equal = " AND ".join(
            f"p.{quote(theirs)} = c.{quote(own)}" for own, theirs in zip(key.columns, key.parent_columns, strict=True)
        )
        present = " AND ".join(f"c.{quote(own)} IS NOT NULL" for own in key.columns)
        parent = self.tables[key.parent].name
        sql = f"DELETE FROM {table.name} c WHERE {present} AND NOT EXISTS (SELECT FROM {parent} p WHERE {equal})"
        return self.connection.execute(sql.encode()).rowcount

    def count(self, table: Table) -> int:
        found = self.connection.execute(f"SELECT count(*) FROM {table.name}".encode()).fetchone()
        return int(found[0]) if found else 0


def _required(table: Table, name: str) -> bool:
    return next(c.required for c in table.columns if c.name == name)


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Values:
    """Blind values of a type, with a liking for what the conditions on the column name."""

    def __init__(self, random: np.random.Generator, seed: int) -> None:
        self.random = random
        self.faker = Faker()
        self.faker.seed_instance(seed)
        self.pools: dict[tuple[int, str], list[str]] = {}
        self.numbers: dict[tuple[int, str], Iterator[int]] = {}

    def draw(self, table: Table, column: Column, sparse: bool) -> Value:
        unknown = column.kind == "c" or column.type in UNKNOWN
        if not column.required and (unknown or self.random.random() < (0.75 if sparse else 0.15)):
            return None
        pool = self._named(table, column)
        if column.name in table.partition_key and pool:
            return self._pick(pool)
        if pool and (pool[0].startswith("~") or self.random.random() < 0.8):
            text = self._pick(pool)
            return matching_text(text[1:], self.random) if text.startswith("~") else text
        if column.labels:
            return [self._pick(column.labels)] if column.item else self._pick(column.labels)
        if column.item:
            return self._array(column)
        return self._plain(table, column, column.type)

    def _pick(self, pool: Sequence[str]) -> str:
        return pool[int(self.random.integers(len(pool)))]

    def _named(self, table: Table, column: Column) -> list[str]:
        """Literals of the conditions on a column; regular expressions with a tilde before them."""
        if (table.oid, column.name) not in self.pools:
            word = re.compile(rf'(?<![\w"]){re.escape(column.name)}(?![\w(])|"{re.escape(column.name)}"')
            conditions = [*column.conditions, *(check for check in table.checks if word.search(check))]
            texts = " ".join(conditions)
            if column.name in table.partition_key:
                texts = " ".join(re.sub(r"TO \(.*", "", bound) for bound in table.bounds)
            patterns = ["~" + found for found in re.findall(r"~ '((?:[^']|'')*)'", texts)]
            found = re.findall(r"(?<!~ )'((?:[^']|'')*)'|(?<![\w.])(\d+(?:\.\d+)?)(?![\w.])", texts)
            literals = [one or other for one, other in found if one or other]
            self.pools[table.oid, column.name] = patterns or [one for one in literals if _fits(one, column.type)]
        return self.pools[table.oid, column.name]

    def _array(self, column: Column) -> Value:
        if column.item in ("text", "varchar", "bpchar"):
            # json_populate_recordset takes lists for arrays.
            return [self.faker.word() for _ in range(int(self.random.integers(0, 4)))]
        plain = Column(column.name, column.item or "", "b", -1, True, "", False, False, [], None, [])
        return [self._scalar(plain, plain.type) for _ in range(int(self.random.integers(0, 4)))]

    def _plain(self, table: Table, column: Column, kind: str) -> Value:
        alone = column.name in table.distinct
        if kind in ("int2", "int4", "int8", "numeric", "oid") and alone:
            number = self.numbers.setdefault((table.oid, column.name), iter(range(1, 10**6)))
            return next(number)
        if kind in ("text", "varchar", "bpchar", "citext") and alone:
            return self._cut(column, f"{self.faker.word()}{int(self.random.integers(10**6))}", from_end=True)
        return self._scalar(column, kind)

    def _scalar(self, column: Column, kind: str) -> Value:
        makers: dict[str, Callable[[], Value]] = {
            "bool": lambda: bool(self.random.random() < 0.5),
            "int2": lambda: int(self.random.geometric(0.1)),
            "int4": lambda: int(self.random.lognormal(3, 2)),
            "int8": lambda: int(self.random.lognormal(5, 3)),
            "oid": lambda: int(self.random.integers(1, 1000)),
            "numeric": lambda: self._decimal(column),
            "float4": lambda: round(float(self.random.lognormal(2, 1)), 3),
            "float8": lambda: round(float(self.random.normal(50, 20)), 4),
            "money": lambda: f"{self.random.lognormal(3, 1):.2f}",
            "date": lambda: self._moment().date().isoformat(),
            "timestamp": lambda: self._moment().isoformat(),
            "timestamptz": lambda: self._moment().isoformat() + "Z",
            "time": lambda: self._moment().time().isoformat(),
            "interval": lambda: f"{int(self.random.integers(1, 400))} minutes",
            "uuid": lambda: self.faker.uuid4(),
            "json": lambda: json.loads(json.dumps(self._document())),
            "jsonb": lambda: json.loads(json.dumps(self._document())),
            "bytea": lambda: "\\x" + self.random.bytes(6).hex(),
            "inet": lambda: self.faker.ipv4(),
            "cidr": lambda: self.faker.ipv4(network=True),
            "macaddr": lambda: self.faker.mac_address(),
            "xml": lambda: f"<note><to>{self.faker.first_name()}</to></note>",
            "tsvector": lambda: f"'{self.faker.word()}':1 '{self.faker.word()}':2",
            "bit": lambda: "1" * max(1, column.modifier),
            "varbit": lambda: "101",
            "point": lambda: f"({self.random.integers(90)},{self.random.integers(90)})",
            "cube": lambda: f"({self.random.integers(90)},{self.random.integers(90)})",
            "int4range": lambda: "[{0},{0}]".format(int(self.random.integers(1000))),
            "daterange": lambda: "[2020-01-01,2021-01-01)",
            "tsrange": lambda: "[2020-01-01 08:00,2020-01-01 09:00)",
            "tstzrange": lambda: "[2020-01-01 08:00+00,2020-01-01 09:00+00)",
        }
        if kind in ("text", "varchar", "bpchar", "citext", "name"):
            return self._cut(column, self._text(column.name.lower()))
        if kind not in makers:
            raise NotImplementedError(f"the filler knows no values of type {kind}")
        return makers[kind]()

    def _decimal(self, column: Column) -> Value:
        modifier = column.modifier - 4
        digits, scale = (modifier >> 16, modifier & 0x7FF) if modifier >= 0 else (9, 2)
        return str(round(Decimal(float(self.random.random()) * 10 ** min(digits - scale, 4) * 0.99), scale))

    def _moment(self) -> datetime:
        day = date(2015, 1, 1) + timedelta(days=int(self.random.integers(0, 3650)))
        return datetime(day.year, day.month, day.day) + timedelta(seconds=int(self.random.integers(0, 86400)))

    def _document(self) -> Value:
        return {"name": self.faker.word(), "size": int(self.random.integers(100)), "tags": [self.faker.word()]}

    def _text(self, name: str) -> str:
        fakers: tuple[tuple[str, Callable[[], str]], ...] = (
            ("mail", self.faker.email), ("phone", self.faker.phone_number), ("first", self.faker.first_name),
            ("last", self.faker.last_name), ("city", self.faker.city), ("country", self.faker.country),
            ("url", self.faker.url), ("street", self.faker.street_address), ("address", self.faker.street_address),
            ("zip", self.faker.postcode), ("description", self.faker.sentence), ("comment", self.faker.sentence),
            ("name", lambda: f"{self.faker.word()} {self.faker.word()}"),
        )  # fmt: skip
        for part, make in fakers:
            if part in name:
                return str(make())
        return self.faker.word() if self.random.random() < 0.7 else self.faker.sentence(4)

    def _cut(self, column: Column, text: str, from_end: bool = False) -> str:
        length = column.modifier - 4 if column.modifier >= 4 else 200
        cut = text[-length:] if from_end else text[:length]
        return cut.strip().ljust(1, "x")


_FORMS = {
    "int": re.compile(r"-?\d{1,4}$"),
    "numeric": re.compile(r"-?\d+(\.\d+)?$"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "time": re.compile(r"\d{4}-\d\d-\d\d"),
}


def _fits(text: str, kind: str) -> bool:
    """Whether a literal may be a value of the type."""
    form = next((pattern for word, pattern in _FORMS.items() if kind.startswith(word)), None)
    if form:
        return form.match(text) is not None
    return kind in ("text", "varchar", "bpchar", "citext") and bool(text) and text[0] not in "0123456789^%"
