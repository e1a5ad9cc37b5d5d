"""The example databases load in both products, break no constraint, and hold the facts that are said to be planted."""

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from dbclone import examples
from dbclone.errors import ConnectionFailed, TargetError, UsageError

NAMES = ("bank", "clinic", "shop")
ROOT = Path(__file__).parent.parent

Plain = bool | int | float | str | None

WITHIN_ONE_COLUMN = frozenset({
    "all-null", "bimodal", "cardinality", "categories", "empty", "generated-column", "heavy-tail", "json",
    "lattice", "link-degrees", "one-row", "one-to-one", "self-pointing", "zero-inflated",
})  # fmt: skip
"""Kinds of facts about the values of single columns or numbers of rows, which survive when columns are shuffled."""

EVERY_KIND = frozenset({
    "parent-child", "grandparent-grandchild", "two-parents", "sibling-tables", "siblings", "ordered-events",
    "panel", "state-machine", "running-balance", "line-numbers", "permutation", "total-over-children",
    "total-over-grandchildren", "total-over-siblings", "row-arithmetic", "cross-table-arithmetic",
    "functional-dependency", "row-inequality", "cross-table-inequality", "conditional-null",
    "conditional-null-rate", "conditional-child", "missingness", "tree", "self-reference", "self-pointing",
    "cycle", "link-degrees", "one-to-one", "two-paths", "copied-value", "generated-column", "lattice",
    "heavy-tail", "zero-inflated", "bimodal", "json", "categories", "within-row", "cardinality", "one-row",
    "empty", "all-null",
})  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """SQLite files of the examples, each built once: read them only."""
    folder = tmp_path_factory.mktemp("examples")

    def get(name: str) -> Path:
        path = folder / f"{name}.sqlite"
        if not path.exists():
            examples.build_sqlite(name, path)
        return path

    return get


def measure(database: sqlite3.Connection, fact: examples.Fact) -> float | None:
    value = database.execute(fact.sqlite).fetchone()[0]
    return None if value is None else float(value)


def row_counts(name: str) -> Mapping[str, int]:
    return {table: len(next(iter(columns.values()))) for table, columns in examples.generate(name).items()}


def test_there_are_three_examples() -> None:
    assert examples.names() == NAMES


def test_every_structure_is_planted_somewhere() -> None:
    assert {fact.kind for name in NAMES for fact in examples.facts(name)} >= EVERY_KIND


@pytest.mark.parametrize("name", NAMES)
def test_sqlite_breaks_no_constraint(name: str, built: Callable[[str], Path]) -> None:
    with closing(sqlite3.connect(built(name))) as database:
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for table, count in row_counts(name).items():
            assert database.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (count,)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_a_size_that_is_worth_cloning_and_quick_to_build(name: str) -> None:
    assert 20_000 <= sum(row_counts(name).values()) <= 50_000


@pytest.mark.parametrize("seed", [1, 2, 77])
@pytest.mark.parametrize("name", NAMES)
def test_facts_hold_in_sqlite_whatever_the_seed(name: str, seed: int, tmp_path: Path) -> None:
    path = tmp_path / "example.sqlite"
    examples.build_sqlite(name, path, seed)
    with closing(sqlite3.connect(path)) as database:
        values = {fact: measure(database, fact) for fact in examples.facts(name)}
    assert {f.id: v for f, v in values.items() if v is None or not f.holds_in_source(v)} == {}


@pytest.mark.parametrize("scale", [0.1, 2.5])
@pytest.mark.parametrize("name", NAMES)
def test_exact_facts_hold_at_every_scale(name: str, scale: float, tmp_path: Path) -> None:
    path = tmp_path / "example.sqlite"
    examples.build_sqlite(name, path, seed=3, scale=scale)
    with closing(sqlite3.connect(path)) as database:
        broken = {f.id: measure(database, f) for f in examples.facts(name) if f.hard and measure(database, f) != 0}
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert broken == {}


def scrambled(values: list[Plain], shuffler: random.Random, refers: bool) -> list[Plain]:
    """The values in another order; those that refer to rows also exchanged for each other, or degrees would stay."""
    others: list[Plain] = list(dict.fromkeys(v for v in values if v is not None))
    exchange: dict[Plain, Plain] = (
        dict(zip(others, shuffler.sample(others, len(others)), strict=True)) if refers else {}
    )
    shuffler.shuffle(values)
    return [exchange.get(v, v) for v in values]


def shuffle_columns(name: str, path: Path) -> None:
    """The same tables with every column but ``id`` shuffled by itself: all that relates columns or tables is gone."""
    shuffler = random.Random(5)
    with closing(sqlite3.connect(path)) as database:
        database.executescript((ROOT / "schemas" / name / "sqlite.sql").read_text(encoding="utf-8"))
        database.execute("PRAGMA ignore_check_constraints = ON")
        for table, columns in examples.generate(name).items():
            shuffled = []
            for column, values in columns.items():
                plain: list[Plain] = [
                    None if v is None else str(v) if isinstance(v, list | dict) else v for v in values
                ]
                shuffled.append(plain if column == "id" else scrambled(plain, shuffler, column.endswith("_id")))
            names, marks = ", ".join(f'"{c}"' for c in columns), ", ".join("?" * len(columns))
            insert = f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({marks})'
            database.executemany(insert, zip(*shuffled, strict=True))
        database.commit()


@pytest.mark.parametrize("name", NAMES)
def test_facts_fail_where_columns_have_nothing_to_do_with_each_other(name: str, tmp_path: Path) -> None:
    """Otherwise a fact would say nothing about a clone."""
    path = tmp_path / "shuffled.sqlite"
    shuffle_columns(name, path)
    with closing(sqlite3.connect(path)) as database:
        telling = [fact for fact in examples.facts(name) if fact.kind not in WITHIN_ONE_COLUMN]
        unmoved = [f.id for f in telling if (v := measure(database, f)) is not None and f.holds_in_clone(v)]
    assert unmoved == []


@pytest.mark.parametrize("name", NAMES)
def test_tolerances_tell_a_kept_fact_from_a_lost_one(name: str) -> None:
    for fact in examples.facts(name):
        if not fact.hard:
            assert fact.tolerance <= fact.retained < abs(fact.expected - fact.lost), fact.id


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_bytes_other_seed_other_bytes(name: str, tmp_path: Path) -> None:
    digests = []
    for i, seed in enumerate((4, 4, 5)):
        examples.build_sqlite(name, tmp_path / f"{i}.sqlite", seed, scale=0.2)
        digests.append(hashlib.sha256((tmp_path / f"{i}.sqlite").read_bytes()).hexdigest())
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.postgres
@pytest.mark.parametrize("name", NAMES)
def test_postgresql_holds_the_same_rows_and_facts(name: str, postgres_url: str) -> None:
    examples.build_postgresql(name, postgres_url)
    with psycopg.connect(postgres_url) as database:
        for table, count in row_counts(name).items():
            assert database.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (count,)
        wrong = {}
        for fact in examples.facts(name):
            row = database.execute(fact.postgresql).fetchone()
            assert row is not None
            if row[0] is None or not fact.holds_in_source(float(row[0])):
                wrong[fact.id] = row[0]
    assert wrong == {}


@pytest.mark.postgres
@pytest.mark.parametrize("name", NAMES)
def test_new_rows_get_numbers_above_the_loaded_ones(name: str, postgres_url: str) -> None:
    examples.build_postgresql(name, postgres_url, scale=0.1)
    with psycopg.connect(postgres_url) as database:
        owned = database.execute(
            """SELECT a.attrelid::regclass::text, quote_ident(a.attname),
                      pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)
               FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
               WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
               AND pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) IS NOT NULL"""
        ).fetchall()
        assert owned
        for table, column, sequence in owned:
            row = database.execute(f"SELECT nextval('{sequence}') > coalesce(max({column}), 0) FROM {table}").fetchone()
            assert row == (True,), table


@pytest.mark.postgres
@pytest.mark.parametrize("name", NAMES)
def test_postgresql_extras_load_on_top(name: str, postgres_url: str) -> None:
    examples.build_postgresql(name, postgres_url, extras=True)
    with psycopg.connect(postgres_url) as database:
        row = database.execute(
            """SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal),
                      (SELECT count(*) FROM pg_rules WHERE schemaname = 'public'),
                      (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prolang <> 13),
                      (SELECT count(*) FROM pg_index WHERE indisunique AND indpred IS NOT NULL),
                      (SELECT count(*) FROM pg_description d JOIN pg_class c ON c.oid = d.objoid
                       WHERE c.relnamespace = 'public'::regnamespace)"""
        ).fetchone()
    assert row is not None
    assert all(count > 0 for count in row)


@pytest.mark.postgres
def test_postgresql_is_left_as_it_was_if_the_tables_exist(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute("CREATE TABLE order_line (x INTEGER)")
        with pytest.raises(TargetError, match="no table of the same name"):
            examples.build_postgresql("shop", postgres_url)
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == [("order_line",)]


@pytest.mark.postgres
def test_the_command_line_fills_an_empty_database_and_leaves_a_full_one(
    postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["clinic", postgres_url, "--scale", "0.1", "--if-empty"]
    assert examples.main(command) == 0
    assert examples.main(command) == 0
    assert examples.main(command[:-1]) == TargetError.exit_code
    said = capsys.readouterr()
    assert said.out == "clinic: ready.\nThe database has tables already: nothing was changed.\n"
    assert said.err.count("\n") == 1


def test_bad_input_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    with pytest.raises(UsageError, match="There is no example 'zoo'; there are bank, clinic, shop"):
        examples.build_sqlite("zoo", path)
    with pytest.raises(UsageError, match="greater than 0"):
        examples.build_sqlite("shop", path, scale=0)
    with pytest.raises(UsageError, match="not a valid database URL"):
        examples.build_postgresql("shop", "no url at all")
    with pytest.raises(ConnectionFailed) as refused:
        examples.build_postgresql("shop", "postgresql://somebody:hidden-word@127.0.0.1:1/nowhere", scale=0.01)
    assert "hidden-word" not in str(refused.value)
    assert not path.exists()


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mine.sqlite"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(TargetError, match="exists already"):
        examples.build_sqlite("shop", path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_examples_are_found_where_a_wheel_puts_them(tmp_path: Path) -> None:
    installed = tmp_path / "site" / "dbclone"
    shutil.copytree(ROOT / "dbclone", installed, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "schemas", installed / "schemas", ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path / "shop.sqlite"
    command = [sys.executable, "-m", "dbclone.examples", "shop", str(target), "--scale", "0.1"]
    environment = {**os.environ, "PYTHONPATH": str(installed.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "shop: ready.\n", "")
    with closing(sqlite3.connect(target)) as database:
        assert database.execute("SELECT count(*) FROM customer").fetchone() == (120,)
