"""Names of every kind, everywhere, through the whole of a clone: from each product into each."""

from pathlib import Path

import pytest

from tests.commands import dbclone
from tests.dialects.places import DIALECTS, Maker, Place, copy, read

pytestmark = [pytest.mark.postgres, pytest.mark.mariadb]

PARENT = "ORDER by; drop \"table\" 'x'"
CHILD = "Größe 日本 %s {x} [y] (z) a.b, -- /* ` $1 \\ :n ? @ # & | ~"
LONG = "x" * 59 + "ÄÖ"  # 63 bytes
KEY, LABEL, VALUE, LINK = "select", 'say "hi"', LONG, "back`tick 'n' \"quote\""
CHECKED, UNIQUE = "100% {sure}", "[a] (b), c.d"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def build(place: Place) -> None:
    """A parent and a child; the names of keys and conditions are odd, too."""
    q = quoted
    place.run(
        f"CREATE TABLE {q(PARENT)} ({q(KEY)} integer NOT NULL, {q(LABEL)} varchar(20) NOT NULL DEFAULT 'it''s \"x\"',"
        f" {q(VALUE)} integer, CONSTRAINT {q('pk ' + LABEL)} PRIMARY KEY ({q(KEY)}),"
        f" CONSTRAINT {q('%d one')} UNIQUE ({q(LABEL)}))",
        f"CREATE TABLE {q(CHILD)} ({q(KEY)} integer NOT NULL PRIMARY KEY, {q(LINK)} integer NOT NULL,"
        f" {q(CHECKED)} integer, {q(UNIQUE)} integer, {q('Case')} integer NOT NULL,"
        f" CONSTRAINT {q('to ' + LABEL)} FOREIGN KEY ({q(LINK)}) REFERENCES {q(PARENT)} ({q(KEY)}),"
        f" CONSTRAINT {q('positive %s')} CHECK ({q(CHECKED)} > 0),"
        f" CONSTRAINT {q('a.b c')} UNIQUE ({q(LINK)}, {q(UNIQUE)}))",
        f"CREATE INDEX {q('an index; on')} ON {q(CHILD)} ({q('Case')}, {q(CHECKED)})",
    )
    place.insert(PARENT, [(number, f"label {number}", number % 7) for number in range(1, 41)])
    place.insert(CHILD, [(n, 1 + n % 40, 1 + n % 9, n // 40, n % 3) for n in range(1, 201)])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_odd_names_stand_in_every_target(dialect: str, make: Maker, tmp_path: Path) -> None:
    source, model = make(dialect), tmp_path / "odd.model"
    build(source)
    fitted = dbclone("fit", "-o", model, source.url)
    assert fitted.code == 0, fitted.err
    for target in map(make, (*DIALECTS, "duckdb")):
        made = dbclone("generate", model, target.url)
        assert made.code == 0, made.err
        q = quoted
        joined = f"SELECT count(*), min({q(CHECKED)}) FROM {q(CHILD)} JOIN {q(PARENT)} AS p ON {q(LINK)} = p.{q(KEY)}"
        assert [tuple(row) for row in target.rows(joined)] == [(200, 1)]
        assert target.rows(f"SELECT count({q(VALUE)}), count(DISTINCT {q(LABEL)}) FROM {q(PARENT)}")[0] == (40, 40)
        if target.dialect != "duckdb":
            checked = dbclone("check", target.url, "--against", source.url)
            assert checked.code == 0, checked.out + checked.err


def test_names_that_differ_by_case_or_schema_alone_stay_apart(make: Maker) -> None:
    source, odd = make("postgresql"), quoted('The "Schema" é')
    source.run(
        f"CREATE SCHEMA {odd}",
        f"CREATE TYPE {odd}.{quoted('Mood %s')} AS ENUM ('a''b', 'c\"d')",
        'CREATE TABLE "T" (id integer PRIMARY KEY, "A" integer, a integer, CHECK ("A" < a))',
        'CREATE TABLE t (id integer PRIMARY KEY, "T" integer REFERENCES "T")',
        f"CREATE TABLE {odd}.t (id integer PRIMARY KEY, up integer REFERENCES public.t, m {odd}.{quoted('Mood %s')})",
        'INSERT INTO "T" VALUES (1, 2, 3)',
        "INSERT INTO t VALUES (2, 1)",
        f"INSERT INTO {odd}.t VALUES (3, 2, 'c\"d')",
    )
    for target in map(make, (*DIALECTS, "duckdb")):
        copy(source, target)  # which proves keys, references and conditions, table by table
        assert sizes(target) == [(2, 1), (3, 1), (3, 1)]


def sizes(place: Place) -> list[tuple[int, int]]:
    """Numbers of columns and rows of all tables."""
    if place.dialect == "duckdb":
        return sorted(place.rows("SELECT column_count, estimated_size FROM duckdb_tables()"))
    return sorted((table.num_columns, table.num_rows) for table in read(place)[1].values())
