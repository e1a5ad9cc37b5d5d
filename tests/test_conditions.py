"""CHECK conditions as they are understood: the same truth values as the database itself gives, row by row."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbclone.conditions.evaluation import Evaluator
from dbclone.conditions.parsing import understand
from dbclone.conditions.repair import Freedom, connected, repair
from dbclone.conditions.requirements import Requirement, requirements_of
from dbclone.connection import open_source
from dbclone.schema import Check, Column, SqlType, Table, TableName, TypeFamily
from tests.dialects.places import Place

COLUMNS = {
    "sqlite": 'i INTEGER, j INTEGER, r REAL, d DECIMAL(8,2), b BOOLEAN, t TEXT, u VARCHAR(9), "the name" TEXT COLLATE'
    " NOCASE, day DATE, later DATE, at TIMESTAMP, clock TIME",
    "mysql": "i integer, j bigint, r double, d decimal(8,2), b boolean, t varchar(20) COLLATE utf8mb4_general_ci,"
    ' u varchar(9) COLLATE utf8mb4_bin, "the name" char(4) COLLATE utf8mb4_nopad_bin, day date, later date,'
    " at datetime, clock time",
    "postgresql": 'i integer, j bigint, r double precision, d numeric(8,2), b boolean, t text, u varchar(9), "the name"'
    " char(4), day date, later date, at timestamp, clock time, zoned timestamptz, mood mood, raw bytea, single real",
}
TEXTS = ("", "a", "A", "ab", "Abc", " a ", "a%b", "a_b", "x1", "12", "-7", "é", "Éa", "2020-01-01", "a\nb", "[a]")
MOODS = ("low", "it's", "HIGH")
CLOCKS = ("00:00:00", "09:30:00", "23:59:59")
DAYS = ("2019-12-31", "2020-01-01", "2020-02-29", "2021-03-01", "1999-06-15")
MOMENTS = ("2019-12-31 23:59:59", "2020-01-01 00:00:00", "2020-02-29 12:30:00", "1999-06-15 08:00:01")


def rows(dialect: str, count: int = 150) -> list[tuple[Any, ...]]:
    rng = random.Random(5)

    def pick(*values: object) -> object:
        return None if rng.random() < 0.15 else rng.choice(values)

    made = []
    for _ in range(count):
        small, large = pick(*range(-5, 9)), pick(*range(-3, 30))
        real, money = pick(-2.5, 0.0, 0.1, 1.5, 2.0, 3.25, 12.345), pick(*(n / 100 for n in range(-300, 900, 37)), 5, 2)
        flag = pick(False, True)
        row = (small, large, real, money, flag, pick(*TEXTS), pick(*TEXTS[:9]), pick("a", "A", "ab", "B  "),
               pick(*DAYS), pick(*DAYS), pick(*MOMENTS), pick(*CLOCKS))  # fmt: skip
        if dialect == "postgresql":
            zoned = pick(*(f"{moment}+00" for moment in MOMENTS))
            row += (zoned, pick(*MOODS), pick(b"", b"\x00a", b"abc"), pick(0.1, 0.5, 7))
        made.append(row)
    return made


@dataclass(repr=False)
class Asked:
    """A table with rows, and the database that knows the truth about them."""

    table: Table
    data: pa.Table
    ask: Callable[[str], list[bool | None]]
    dialect: str

    def understood(self, sql: str) -> list[bool | None]:
        condition = understand(sql, self.table, self.dialect)
        assert condition is not None, sql
        assert condition.complete, sql
        columns = {name: self.data.column(name).combine_chunks() for name in self.data.column_names}
        found = Evaluator(columns).value(condition.tree)
        n = self.data.num_rows
        true, null = np.broadcast_to(found.data, n).tolist(), np.broadcast_to(found.null, n).tolist()
        return [None if missing else value for value, missing in zip(true, null, strict=True)]


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    path = tmp_path_factory.mktemp("conditions") / "t.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE t ({COLUMNS['sqlite']})")
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * 12)})", rows("sqlite"))
    connection.commit()

    def ask(sql: str) -> list[bool | None]:
        found = connection.execute(f"SELECT CASE WHEN {sql} THEN 1 WHEN NOT ({sql}) THEN 0 END FROM t ORDER BY rowid")
        return [None if value is None else bool(value) for (value,) in found]

    yield asked(f"sqlite:///{path}", ask, "sqlite")
    connection.close()


@pytest.fixture
def postgresql(postgres_url: str) -> Iterator[Asked]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('low', 'it''s', 'HIGH')")
        connection.execute("SET timezone = 'UTC'")
        number = "n integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        connection.execute(f"CREATE TABLE t ({number}, {COLUMNS['postgresql']})")
        made = rows("postgresql")
        marks = ", ".join(["%s"] * len(made[0]))
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO t OVERRIDING USER VALUE VALUES (0, {marks})", made)

        def ask(sql: str) -> list[bool | None]:
            return [value for (value,) in connection.execute(f"SELECT ({sql})::boolean FROM t ORDER BY n")]  # type: ignore[arg-type]

        yield asked(postgres_url, ask, "postgresql")


@pytest.fixture
def mariadb(make: Callable[[str], Place]) -> Iterator[Asked]:
    place = make("mysql")
    place.run(f"CREATE TABLE t (n integer AUTO_INCREMENT PRIMARY KEY, {COLUMNS['mysql']})")
    place.insert("t", [(n, *row) for n, row in enumerate(rows("mysql"), 1)])
    with place.connect() as connection:

        def ask(sql: str) -> list[bool | None]:
            found = connection.execute(f"SELECT {sql} FROM t ORDER BY n").fetchall()
            return [None if value is None else bool(value) for (value,) in found]

        yield asked(place.url, ask, "mysql")


def asked(url: str, ask: Callable[[str], list[bool | None]], dialect: str) -> Asked:
    with open_source(url) as source:
        table = source.reflect().tables[0]
        return Asked(table, source.read(table), ask, dialect)


SQLITE_ONLY = (
    "(t GLOB '[A-Z]*')", "(t NOT GLOB '*[^a-z]*')", "(t GLOB '[0-9]?')", "(i IS j)", "(t IS NOT u)", "(b IN (0, 1))",
    "((i IS NULL) + (j IS NULL) = 1)", "(\"the name\" = 'A')", "('A' = \"the name\")", "(t = 'AB' COLLATE NOCASE)",
    "(u LIKE 'a!%b' ESCAPE '!')", "(typeof(i) = 'integer')", "(typeof(d) = 'real')", "(typeof(t) <> 'null')",
    "(at >= '2020-01')", "(day <= at)", "(date(day) = day)", "(date(at) > day)", "(strftime('%Y-%m', day) = '2020-02')",
    "(CAST(strftime('%Y', day) AS INTEGER) > 2000)", "(julianday(later) - julianday(day) < 60)", "(length(day) = 10)",
    "(day LIKE '____-02-%')", "(ifnull(i, 0) > 0)", "(iif(i > 2, 1, 0) = 1)", "(max(i, j) > 3)", "(min(i, j) < 0)",
    "(instr(t, 'b') > 0)", "(i = '3')", "(t = 12)", "(CAST(t AS INTEGER) = 12)", "(CAST(r AS INTEGER) = 3)",
    "(round(r, 1) = r)", "(round(d, 1) = d)", "i", "(NOT i)", "(i AND t IS NOT NULL)", "(d * 1.0 / 2 > 1)",
    "(i = TRUE)", "(b = 1)", "(t || i = 'a1')", "(t = \"ab\")", "(i IN ())", "(t IS NULL OR json_valid(t))",
    "(trim(t, 'a') = '')",
)  # fmt: skip
POSTGRESQL_ONLY = (
    "(i = ANY (ARRAY[1, 2, 5]))", "(i <> ALL (ARRAY[1, 2, 5]))", "(t = ANY ('{a,ab}'::text[]))",
    "((u)::text = ANY ((ARRAY['a'::character varying, 'ab'::character varying])::text[]))", "(t ~ '^[a-z]+$'::text)",
    "(t ~* '^[a-z]+$')", "(t !~ '\\d')", "(t ~ '^(?=.*a).{2,}$')", "(t ~ '[[:upper:]]')", "(t ~ '^\\w+$')",
    "(i IS DISTINCT FROM j)", "(i IS NOT DISTINCT FROM j)", "(num_nonnulls(i, t, day) = 2)", "(num_nulls(i, t) = 1)",
    "(extract(year from day) > 2019)", "(date_part('month'::text, day) = 2)", "(extract(dow from at) IN (0, 3))",
    "(extract(hour from at) < 12)", "(extract(epoch from at) > 1577836800)", "(extract(doy from day) > 59)",
    "(extract(quarter from day) = 1)", "(extract(isodow from day) <= 5)", "(extract(minute from clock) = 30)",
    "(later - day > 30)", "(later + 5 > day)", "(at - '1 day'::interval < later)", "(at + interval '1 month' > later)",
    "(day + '1 year'::interval <= later)", "(at - day < '12:00:00'::interval)", "(at::date = day)", "(day < at)",
    "(date_trunc('month'::text, at) = at)", "(date_trunc('week', day) = day)", "(zoned > at)", "(zoned::date = day)",
    "(zoned >= '2020-01-01 02:00:00+02'::timestamptz)", "(mood = 'HIGH'::mood)", "(mood > 'low'::mood)",
    "(\"the name\" = ANY (ARRAY['a'::bpchar, 'B  '::bpchar]))", "((t)::bpchar <> (u)::bpchar)",
    "((t)::bpchar = \"the name\")", "((t)::bpchar = ' a'::bpchar)", "(length((t)::bpchar) > 1)",
    "((mood)::text <> 'low'::text)", "(length(raw) = 3)", "(octet_length(raw) > 0)", "(octet_length(t) > 1)",
    "(\"the name\" = 'a')", "(\"the name\" LIKE 'a___')", "(length(\"the name\") = 1)", "(single = 0.1::real)",
    "(single <= 0.1::double precision)", "(d::integer > 2)", "(r::integer = 2)", "(d::numeric(6,1) = d)",
    "(round(d, 1) = d)", "(d * 3 = d + d + d)", "(d / 3 < 1)", "(i / nullif(j, 0) = 0)", "(mod(j, 3) = 1)",
    "(greatest(i, j) > 3)", "(least(d, r) < 1)", "(b::integer + (i IS NULL)::integer = 1)", "(i::boolean)",
    "(strpos(t, 'b') > 1)", "(position('b' in t) = 2)", "(left(t, 1) = 'a')", "(right(t, 1) = 'b')",
    "(concat(t, i) = 'a')", "(t COLLATE \"C\" < 'a')", "(btrim(t) = 'a')", "(starts_with(t, 'a'))",
    "(t SIMILAR TO '(a|b)%')", "(floor(d) = 2)", "(ceil(r) = 2)", "(sign(i) = -1)", "((i)::text = '3')",
    "(CASE i WHEN 1 THEN t WHEN 2 THEN u END = 'a')",
)  # fmt: skip

MARIADB_ONLY = (
    "(`I` > 2)", "(`b` = 1)", "(`b`)", "(`b` is true)", "(`i` or `b`)", "(not `i`)", "(`i` = '3')", "(`b` + 1 > 1)",
    "(`t` = 'AB')", "(`t` in ('A', 'X1'))", "(`t` <> ' A')", "(`t` = `u`)", "(`u` = 'a')", "(`u` = 'A ')",
    "(`the name` = 'B')", "(`the name` = 'B  ')", "(`t` like 'A%')", "(`u` like 'A%')", "(`u` not like '%b')",
    "(`t` regexp '^[a-z]+$')", "(`u` regexp '^[a-z]+$')", "(char_length(`t`) > 1)", "(length(`t`) > 1)",
    "(octet_length(`u`) = 2)", "(concat(`t`, `u`) = 'aab')", "(concat(`u`, 'x') <> 'ax')", "(`i` / 2 > 1.2)",
    "(`i` % 3 = 1)", "(`d` * 2 >= `d` + 1)", "(round(`d`, 1) = `d`)", "(`i` between 1 and 4 and `j` is not null)",
    "(`day` < `later`)", "(`day` >= '2020-01-01')", "(`at` > '2020-01-01 00:00:00')", "(`clock` < '12:00:00')",
    "(`i` is null = (`j` is null))", "(if(`i` > 2, 1, 0) = 1)", "(ifnull(`i`, 0) > 0)", "(coalesce(`u`, 'z') = 'z')",
    "(`i` <=> `j`)", "(greatest(`i`, `j`) > 3)", "(left(`u`, 1) = 'a')", "(upper(`u`) = 'AB')", "(trim(`u`) = 'a')",
    "(`u` <> 'a' and `t` = 'é')", "(case `i` when 1 then 2 else 3 end = 2)", "(`r` * 2 > 3)", "(abs(`i`) = 2)",
)  # fmt: skip

# Expressions of one kind each; both products understand them alike unless they are said to be one's own.
INTEGERS = st.deferred(
    lambda: st.one_of(
        st.sampled_from(("i", "j", "0", "1", "-2", "7")),
        st.builds("({} {} {})".format, INTEGERS, st.sampled_from("+-*"), INTEGERS),
        st.builds("{}({})".format, st.sampled_from(("abs", "-")), INTEGERS),
        st.builds("length({})".format, TEXT),
        st.builds("coalesce({}, {})".format, INTEGERS, INTEGERS),
        st.builds("nullif({}, {})".format, INTEGERS, INTEGERS),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, TRUTH, INTEGERS, INTEGERS),
        st.builds("({} / {})".format, INTEGERS, st.sampled_from(("2", "3", "(-4)"))),
        st.builds("({} % {})".format, INTEGERS, st.sampled_from(("2", "5"))),
    )
)
NUMBERS = st.deferred(
    lambda: st.one_of(
        INTEGERS,
        st.sampled_from(("r", "d", "1.5", "0.1", "-3.25")),
        st.builds("({} {} {})".format, NUMBERS, st.sampled_from("+-*"), NUMBERS),
        st.builds("(r / {})".format, st.sampled_from(("2", "0.25"))),
    )
)
TEXT = st.deferred(
    lambda: st.one_of(
        st.sampled_from(("t", "u", "''", "'a'", "'ab'")),
        st.builds("({} || {})".format, TEXT, TEXT),
        st.builds("{}({})".format, st.sampled_from(("lower", "upper", "trim", "ltrim", "rtrim")), TEXT),
        st.builds("substr({}, {}, {})".format, TEXT, st.integers(1, 3), st.integers(0, 3)),
        st.builds("replace({}, 'a', 'bc')".format, TEXT),
        st.builds("coalesce({}, {})".format, TEXT, TEXT),
    )
)
COMPARISON = st.sampled_from(("=", "<>", "<", "<=", ">", ">="))
PATTERN = st.text("ab%_\\", max_size=4).filter(lambda p: not p.endswith("\\")).map("'{}'".format)
ATOMS = st.one_of(
    st.builds("({} {} {})".format, NUMBERS, COMPARISON, NUMBERS),
    st.builds("({} {} {})".format, TEXT, st.sampled_from(("=", "<>")), TEXT),
    st.builds("({} {})".format, st.one_of(NUMBERS, TEXT, st.sampled_from(("day", "b", "clock"))),
              st.sampled_from(("IS NULL", "IS NOT NULL"))),
    st.builds("({} {} ({}, {}, {}))".format, INTEGERS, st.sampled_from(("IN", "NOT IN")), INTEGERS, INTEGERS, INTEGERS),
    st.builds("({} {} ('a', 'ab', NULL))".format, TEXT, st.sampled_from(("IN", "NOT IN"))),
    st.builds("({} {} {} AND {})".format, NUMBERS, st.sampled_from(("BETWEEN", "NOT BETWEEN")), NUMBERS, NUMBERS),
    st.builds("(day {} later)".format, COMPARISON),
    st.builds("(day {} '{}')".format, COMPARISON, st.sampled_from(DAYS)),
    st.builds("(at {} '{}')".format, COMPARISON, st.sampled_from(MOMENTS)),
    st.builds("(clock {} '{}')".format, COMPARISON, st.sampled_from(CLOCKS)),
    st.builds("({} = {})".format, st.just("(t IS NULL)"), st.just("(u IS NULL)")),
    st.sampled_from(("b", "(b = (i IS NULL))", "(b IS TRUE)", "(b IS NOT FALSE)")),
)  # fmt: skip
SQLITE_ATOMS = st.one_of(
    st.builds("({} {} {})".format, TEXT, COMPARISON, TEXT),
    st.builds("({} {} {})".format, TEXT, st.sampled_from(("LIKE", "NOT LIKE")), PATTERN),
    st.builds("({} GLOB {})".format, TEXT, st.text("ab*?]^0-9", max_size=5).map("'{}'".format)),
    st.sampled_from(SQLITE_ONLY),
)
POSTGRESQL_ATOMS = st.one_of(
    st.builds("({} {} {})".format, TEXT, st.sampled_from(("LIKE", "NOT LIKE", "ILIKE", "~~", "!~~", "~~*")), PATTERN),
    st.sampled_from(POSTGRESQL_ONLY),
)


def logical(atoms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Conditions of the atoms, no deeper than SQLite's parser can go."""
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from(("AND", "OR")), inner),
            st.builds("(NOT {})".format, inner),
        ),
        max_leaves=4,
    ).filter(lambda sql: len(sql) < 200)


TRUTH = logical(ATOMS)
more = settings(
    max_examples=max(150, settings.default.max_examples),
    suppress_health_check=[*settings.default.suppress_health_check, HealthCheck.function_scoped_fixture],
)


@more
@given(sql=logical(st.one_of(ATOMS, SQLITE_ATOMS)))
def test_conditions_have_the_value_that_sqlite_gives_them(sqlite: Asked, sql: str) -> None:
    assert sqlite.understood(sql) == sqlite.ask(sql)


@more
@given(sql=logical(st.one_of(ATOMS, POSTGRESQL_ATOMS)))
def test_conditions_have_the_value_that_postgresql_gives_them(postgresql: Asked, sql: str) -> None:
    assert postgresql.understood(sql) == postgresql.ask(sql)


@pytest.mark.parametrize("sql", SQLITE_ONLY)
def test_what_only_sqlite_says(sqlite: Asked, sql: str) -> None:
    assert sqlite.understood(sql) == sqlite.ask(sql)


def test_what_only_postgresql_says(postgresql: Asked) -> None:
    for sql in POSTGRESQL_ONLY:
        assert postgresql.understood(sql) == postgresql.ask(sql), sql


@pytest.mark.mariadb
def test_what_mariadb_says(mariadb: Asked) -> None:
    for sql in MARIADB_ONLY:
        assert mariadb.understood(sql) == mariadb.ask(sql), sql


NUMBER = SqlType(TypeFamily.INTEGER, "integer")
WORD = SqlType(TypeFamily.TEXT, "varchar(5)", length=5)


def required(**checks: str) -> tuple[Requirement, ...]:
    """Conditions on a table of three numbers and a word."""
    columns = (Column("a", NUMBER), Column("b", NUMBER), Column("c", NUMBER), Column("w", WORD))
    table = Table(TableName("", "t"), columns, checks=tuple(Check(name, sql) for name, sql in checks.items()))
    found = requirements_of(table, "postgresql")
    assert len(found) == len(checks)
    return found


def freedom(carried: str = "", free: str = "", nullable: str = "") -> Freedom:
    return Freedom(frozenset(carried), frozenset(free), frozenset(nullable))


def repaired(checks: tuple[Requirement, ...], allowed: Freedom, **columns: list[Any]) -> tuple[dict[str, Any], int]:
    """The columns after the repair of all groups, and how many violations are left."""
    now = {name: pa.array(values, pa.string() if name == "w" else pa.int64()) for name, values in columns.items()}
    left = 0
    for group in connected(checks, allowed):
        found = repair(group, now, allowed, np.random.default_rng(0))
        now |= found.columns
        left += int(found.violated.sum())
    return {name: values.to_pylist() for name, values in now.items()}, left


def test_a_violating_row_takes_all_columns_of_the_check_from_one_that_satisfies_it() -> None:
    made, left = repaired(required(order="a <= b"), freedom("ab"), a=[1, 5, 9], b=[2, 6, 0])
    assert left == 0
    assert (made["a"][2], made["b"][2]) in {(1, 2), (5, 6)}
    assert made["a"][:2] == [1, 5]


def test_donors_keep_what_is_null_and_categories_as_they_are() -> None:
    checks = required(order="(a IS NULL OR a < b) AND w <> ''")
    made, left = repaired(
        checks, freedom("abw"), a=[1, 3, None, None, 9, 9], b=[2, 4, 5, 6, 1, 2],
        w=["x", "y", "x", "y", "y", "x"],
    )  # fmt: skip
    assert left == 0
    assert made["w"] == ["x", "y", "x", "y", "y", "x"]
    assert None not in made["a"][4:]


def test_no_key_is_repeated_by_what_is_taken() -> None:
    allowed = Freedom(frozenset("b"), frozenset(), frozenset(), keys=(("a", "b"),))
    made, left = repaired(required(order="a < b"), allowed, a=[1, 1, 1, 2, 2], b=[2, 3, 4, 9, 0])
    assert left == 0
    assert len({*zip(made["a"], made["b"], strict=True)}) == 5


def test_checks_that_share_a_column_are_repaired_together() -> None:
    checks = required(one="a <= b", other="b <= c")
    assert [group.columns for group in connected(checks, freedom("abc"))] == [("a", "b", "c")]
    made, left = repaired(checks, freedom("abc"), a=[1, 9, 3], b=[2, 1, 5], c=[3, 0, 4])
    assert left == 0
    assert made == {"a": [1, 1, 1], "b": [2, 2, 2], "c": [3, 3, 3]}


def test_donors_agree_in_the_columns_that_must_stay() -> None:
    made, left = repaired(
        required(tied="a * 10 = b"), freedom("b"), a=[1, 2, 3, 1, 2, 3, 7], b=[10, 20, 30, 0, 0, 0, 0]
    )
    assert made["a"] == [1, 2, 3, 1, 2, 3, 7]
    assert made["b"][:6] == [10, 20, 30, 10, 20, 30]
    assert left == 1  # no row says what goes with 7, and b may not be invented


@pytest.mark.parametrize(
    ("sql", "column"),
    [("a >= 18", "a"), ("a IN (3, 5)", "a"), ("a > b", "a"), ("a IS NULL", "a"), ("a BETWEEN b AND b + 1", "a"),
     ("length(w) = 4", "w"), ("w = upper(w) AND w <> ''", "w"), ("w ~ '^[a-f]{2}-\\d{2}$'", "w")],
)  # fmt: skip
def test_where_no_row_satisfies_a_value_is_found_that_does(sql: str, column: str) -> None:
    allowed = freedom(free=column, nullable="a")
    made, left = repaired(required(check=sql), allowed, a=[1, 2, 3], b=[4, 5, 6], w=["x", "yy", "z z"])
    assert left == 0, made
    assert made["b"] == [4, 5, 6]


def test_what_may_not_change_stays_as_it_is() -> None:
    made, left = repaired(required(check="a > 5"), freedom("b", "b", "b"), a=[1, 9], b=[1, 2])
    assert made == {"a": [1, 9], "b": [1, 2]}
    assert left == 1
