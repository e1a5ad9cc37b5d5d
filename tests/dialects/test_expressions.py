"""Conditions and defaults are translated where both products understand them alike, and refused otherwise."""

import pytest

from dbclone.dialects.expressions import Translator
from dbclone.schema import Column, SqlType, TypeFamily

COLUMNS = tuple(
    Column(name, SqlType(family, family.value))
    for name, family in {
        "age": TypeFamily.INTEGER, "Price": TypeFamily.DECIMAL, "name": TypeFamily.TEXT, "open": TypeFamily.BOOLEAN,
        "day": TypeFamily.DATE, "at": TypeFamily.TIMESTAMP, "clock": TypeFamily.TIME, "raw": TypeFamily.BYTES,
    }.items()
)  # fmt: skip
NAMES = {column.name: column.name for column in COLUMNS}
TO_POSTGRESQL = Translator(COLUMNS, NAMES, "sqlite", "postgresql")
TO_SQLITE = Translator(COLUMNS, NAMES, "postgresql", "sqlite")


@pytest.mark.parametrize(
    ("sqlite", "postgresql"),
    [
        ("age > 0", '"age" > 0'),
        ("AGE>=18 and [price] < 9.5", '"age" >= 18 AND "Price" < 9.5'),
        ("age between 1 and 5", '"age" BETWEEN 1 AND 5'),
        ("name in ('M', \"F\")", "\"name\" IN ('M', 'F')"),
        ("name IS NOT NULL OR age IS NULL", 'NOT "name" IS NULL OR "age" IS NULL'),
        ("open IN (0, 1)", '"open" IN (FALSE, TRUE)'),
        ("open = 1", '"open" = TRUE'),
        ("length(name) <= 3", 'LENGTH("name") <= 3'),
        ("day >= '2000-01-01'", "\"day\" >= '2000-01-01'"),
        ("day <= at", '"day" <= "at"'),
        ("clock < '12:00'", "\"clock\" < '12:00'"),
        ("name LIKE 'a%'", "\"name\" ILIKE 'a%'"),
        ("name LIKE '1%'", "\"name\" LIKE '1%'"),
        ("name NOT LIKE '1%'", "(NOT \"name\" LIKE '1%')"),
        ("abs(age - 2) * 3 <> -6", 'ABS("age" - 2) * 3 <> -6'),
        ("lower(name) = name", 'LOWER("name") = "name"'),
    ],
)
def test_sqlite_conditions_become_postgresql_s(sqlite: str, postgresql: str) -> None:
    assert TO_POSTGRESQL.condition(sqlite) == postgresql


@pytest.mark.parametrize(
    "condition",
    [
        "name GLOB '[a-z]*'", "typeof(age) = 'integer'", "age > 'x'", "name > 5", "day > 'soon'", "day < clock",
        "age / 2 > 1", "length(age) = 2", "age", "age IN (SELECT 1)", "unknown > 1", "raw = x'00'",
        "strftime('%Y', day) > '2000'",
        "open = 2", "age > (", "CAST(name AS integer) > 1", "date('now') > day",
    ],
)  # fmt: skip
def test_what_postgresql_would_understand_differently_is_refused(condition: str) -> None:
    assert TO_POSTGRESQL.condition(condition) is None


@pytest.mark.parametrize(
    ("postgresql", "sqlite"),
    [
        ("((age >= 1) AND (age <= 5))", '(("age" >= 1) AND ("age" <= 5))'),
        ("((name)::text = ANY (ARRAY['a'::text, 'b'::text]))", "(\"name\" IN ('a', 'b'))"),
        (
            "((name)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
            "(\"name\" IN ('a', 'b'))",
        ),
        ("(day > '2000-01-01'::date)", "(\"day\" > '2000-01-01')"),
        ('("Price" > (0)::numeric)', '("Price" > 0)'),
        ("(name IS NOT NULL)", '((NOT "name" IS NULL))'),
        ("((name IS NULL) = (age IS NOT NULL))", '(("name" IS NULL) = ((NOT "age" IS NULL)))'),
        ("(age NOT IN (1, 2))", 'NOT "age" IN (1, 2)'),
        ("(age NOT BETWEEN 1 AND 2)", 'NOT "age" BETWEEN 1 AND 2'),
        ("(open OR (age IS NULL))", '("open" OR ("age" IS NULL))'),
    ],
)
def test_postgresql_s_conditions_become_sqlite_s(postgresql: str, sqlite: str) -> None:
    assert TO_SQLITE.condition(postgresql) == sqlite


@pytest.mark.parametrize(
    "condition",
    [
        "(name !~~ 'a%'::text)",
        "(age BETWEEN SYMMETRIC 5 AND 1)",
        "(name ~ '^a'::text)",
        "(name ~~ 'a%'::text)",
        "((at)::date = day)",
        "is_valid(age)",
    ],
)
def test_what_sqlite_would_understand_differently_is_refused(condition: str) -> None:
    assert TO_SQLITE.condition(condition) is None


@pytest.mark.parametrize(
    ("translator", "column", "default", "expected"),
    [
        (TO_POSTGRESQL, "age", "5", "5"),
        (TO_POSTGRESQL, "age", "-5", "-5"),
        (TO_POSTGRESQL, "age", "'x'", None),
        (TO_POSTGRESQL, "open", "0", "FALSE"),
        (TO_POSTGRESQL, "name", "'it''s'", "'it''s'"),
        (TO_POSTGRESQL, "at", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
        (TO_POSTGRESQL, "at", "(datetime('now'))", "CURRENT_TIMESTAMP"),
        (TO_POSTGRESQL, "day", "'2020-01-01'", "'2020-01-01'"),
        (TO_POSTGRESQL, "day", "'soon'", None),
        (TO_POSTGRESQL, "name", "(hex(randomblob(4)))", None),
        (TO_POSTGRESQL, "age", "NULL", "NULL"),
        (TO_SQLITE, "name", "'G'::public.rating", "'G'"),
        (TO_SQLITE, "open", "true", "TRUE"),
        (TO_SQLITE, "at", "now()", "CURRENT_TIMESTAMP"),
        (TO_SQLITE, "age", "nextval('s'::regclass)", None),
        (TO_SQLITE, "name", "gen_random_uuid()", None),
    ],
)
def test_defaults(translator: Translator, column: str, default: str, expected: str | None) -> None:
    found = next(c for c in COLUMNS if c.name == column)
    assert translator.default(default, found) == expected


KEYED = (
    *COLUMNS,
    Column("id", SqlType(TypeFamily.UUID, "uuid")),
    Column("doc", SqlType(TypeFamily.JSON, "json")),
    Column("city", SqlType(TypeFamily.TEXT, "varchar(9)"), collation="utf8mb4_general_ci"),
    Column("code", SqlType(TypeFamily.TEXT, "varchar(9)"), collation="utf8mb4_bin"),
)
KEYED_NAMES = {column.name: column.name for column in KEYED}


def to(target: str) -> Translator:
    return Translator(KEYED, KEYED_NAMES, "mysql", target)


TO_MYSQL = Translator(KEYED, KEYED_NAMES, "postgresql", "mysql")


@pytest.mark.parametrize(
    ("condition", "postgresql", "sqlite"),
    [
        ("`AGE` > 0 and `open` = 1", '"age" > 0 AND "open" = TRUE', '"age" > 0 AND "open" = TRUE'),
        ("char_length(`code`) > 2", 'LENGTH("code") > 2', 'LENGTH("code") > 2'),
        ("length(`code`) > 2", None, None),
        ("`code` in ('a','B')", "\"code\" IN ('a', 'B')", "\"code\" IN ('a', 'B')"),
        ("`city` in ('a','B')", "LOWER(\"city\") IN ('a', 'b')", "LOWER(\"city\") IN ('a', 'b')"),
        ("`city` = `code`", '"city" = "code"', '"city" = "code"'),
        ("`city` > 'a'", None, None),
        ("`city` like 'a%'", "\"city\" ILIKE 'a%'", "\"city\" LIKE 'a%'"),
        ("`code` like 'a%'", "\"code\" LIKE 'a%'", None),
        ("concat(`code`,'x') <> `code`", '"code" || \'x\' <> "code"', '"code" || \'x\' <> "code"'),
        ("`code` regexp '^a'", None, None),
    ],
)
def test_mariadb_s_conditions_elsewhere(condition: str, postgresql: str | None, sqlite: str | None) -> None:
    assert (to("postgresql").condition(condition), to("sqlite").condition(condition)) == (postgresql, sqlite)


@pytest.mark.parametrize(
    ("condition", "mysql"),
    [
        ("(length(code) > 2)", "(CHAR_LENGTH(`code`) > 2)"),
        ("((code || 'x'::text) <> 'it''s'::text)", "((CONCAT(`code`, 'x')) <> 'it''s')"),
        ("(code ~~ 'a%'::text)", "(`code` LIKE 'a%')"),
        ("(code ~~* 'a%'::text)", None),
        ("(code ~~ 'a\\_%'::text)", None),
        ("(code = 'a\\b'::text)", "(`code` = 'a\\\\b')"),
    ],
)
def test_postgresql_s_conditions_become_mariadb_s(condition: str, mysql: str | None) -> None:
    assert TO_MYSQL.condition(condition) == mysql


@pytest.mark.parametrize(
    ("translator", "column", "default", "expected"),
    [
        (TO_MYSQL, "at", "now()", "CURRENT_TIMESTAMP(6)"),
        (TO_MYSQL, "day", "CURRENT_DATE", "(CURRENT_DATE)"),
        (TO_MYSQL, "id", "public.uuid_generate_v4()", "(uuid())"),
        (TO_MYSQL, "doc", "'{}'::jsonb", "'{}'"),
        (to("postgresql"), "at", "current_timestamp(3)", "CURRENT_TIMESTAMP"),
        (to("postgresql"), "id", "uuid()", "gen_random_uuid()"),
        (to("postgresql"), "day", "'0000-00-00'", None),
        (to("postgresql"), "open", "1", "TRUE"),
        (to("sqlite"), "id", "uuid()", None),
    ],
)
def test_defaults_of_and_for_mariadb(translator: Translator, column: str, default: str, expected: str | None) -> None:
    assert translator.default(default, next(c for c in KEYED if c.name == column)) == expected


NUMBERS = tuple(
    Column(name, SqlType(family, family.value, precision=precision, scale=scale))
    for name, family, precision, scale in (
        ("t", TypeFamily.FLOAT, 53, None), ("p", TypeFamily.DECIMAL, 12, 2), ("q", TypeFamily.DECIMAL, 20, 4),
        ("wide", TypeFamily.DECIMAL, 30, 4), ("n", TypeFamily.INTEGER, 32, None), ("f", TypeFamily.FLOAT, 53, None),
        ("single", TypeFamily.FLOAT, 24, None),
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "keepers"),
    [
        ("t = p * q", {"mysql", "duckdb"}),
        ("p >= n * 0.1", {"mysql", "duckdb"}),
        ("p + q > 0", {"mysql", "duckdb"}),
        ("p * wide > 0", {"mysql"}),
        ("t * p > 0", set()),
        ("single * 2 > 1", set()),
        ("t = f * 2", {"sqlite", "mysql", "duckdb"}),
        ("n * 2 > 1", {"sqlite", "mysql", "duckdb"}),
        ("p >= q", {"sqlite", "mysql", "duckdb"}),
        ("p > 0.5 AND t = p", {"sqlite", "mysql", "duckdb"}),
    ],
)
def test_what_products_compute_with_different_digits_is_not_compared(condition: str, keepers: set[str]) -> None:
    names = {column.name: column.name for column in NUMBERS}
    targets = {"sqlite", "mysql", "duckdb"}
    assert {t for t in targets if Translator(NUMBERS, names, "postgresql", t).condition(condition)} == keepers
