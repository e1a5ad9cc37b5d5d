"""The hma engine: its limits are asked before anything is read, and it keeps what the conformance suite cannot see."""

import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from dbclone.cloning import clone
from dbclone.connection import open_source
from dbclone.engines.hma import HMAEngine
from dbclone.errors import EngineLimitError, MissingExtraError, UsageError
from dbclone.fitting import Reader
from dbclone.options import CloneOptions, FitOptions, GenerateOptions
from dbclone.plan import Plan
from dbclone.planning import make_plan
from dbclone.progress import Silent
from dbclone.schema import Schema, TableName

PARENT = "CREATE TABLE parent (id INTEGER PRIMARY KEY, x REAL);"
NUMBERS = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 40)"


def filled(table: str, columns: str, values: str) -> str:
    """Forty rows whose values are expressions of i = 1 … 40."""
    return f"INSERT INTO {table} ({columns}) {NUMBERS} SELECT {values} FROM n;"


def built(path: Path, script: str) -> Path:
    with sqlite3.connect(path) as db:
        db.executescript(script)
    db.close()
    return path


def schema_of(path: Path, script: str) -> tuple[Schema, Mapping[TableName, int]]:
    with open_source(f"sqlite:///{built(path, script)}") as source:
        schema = source.reflect()
        return schema, source.row_counts(schema)


def plan_of(path: Path, script: str) -> Plan:
    with open_source(f"sqlite:///{built(path, script)}") as source:
        schema = source.reflect()
        return make_plan(schema, source.row_counts(schema), lambda name: source.read(schema.table(name)))


CHAIN = (
    PARENT + filled("parent", "id, x", "i, i * 0.37")
    + "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parent (id), y REAL);"
    + filled("child", "id, parent_id, y", "i, i, i * 1.7")
)  # fmt: skip
BEYOND = {
    "5 tables": "".join(
        f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, x REAL);" + filled(f"t{n}", "id, x", "i, i * 3") for n in range(6)
    ),
    "single column": "CREATE TABLE pairs (a INTEGER, b INTEGER, x REAL, PRIMARY KEY (a, b));"
    + filled("pairs", "a, b, x", "i, i % 3, i * 0.7"),
    "refer to themselves": "CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree (id), x REAL);"
    + filled("tree", "id, up, x", "i, nullif(i / 2, 0), i * 0.9"),
    "two levels": CHAIN
    + "CREATE TABLE grandchild (id INTEGER PRIMARY KEY, child_id INTEGER NOT NULL REFERENCES child (id), z REAL);"
    + filled("grandchild", "id, child_id, z", "i, i, i * 2.3"),
    "cycles": "CREATE TABLE a (id INTEGER PRIMARY KEY, b_id INTEGER REFERENCES b (id), x REAL);"
    "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a (id), y REAL);"
    + filled("a", "id, b_id, x", "i, i, i * 0.3") + filled("b", "id, a_id, y", "i, i, i * 0.7"),
    "per column": PARENT + filled("parent", "id, x", "i, i * 0.37")
    + "CREATE TABLE other (id INTEGER PRIMARY KEY, x REAL);" + filled("other", "id, x", "i, i * 0.41")
    + "CREATE TABLE child (id INTEGER PRIMARY KEY, both INTEGER REFERENCES parent (id) REFERENCES other (id), y REAL);"
    + filled("child", "id, both, y", "i, i, i * 1.7"),
}  # fmt: skip


@pytest.mark.parametrize("limit", BEYOND)
def test_the_error_names_the_limit_that_the_schema_exceeds(tmp_path: Path, limit: str) -> None:
    with pytest.raises(EngineLimitError, match=limit):
        HMAEngine().check_limits(*schema_of(tmp_path / "beyond.sqlite", BEYOND[limit]))


def test_the_limits_are_asked_before_any_row_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_reading(reader: Reader, table: TableName) -> NoReturn:
        raise AssertionError(f"{table} was read")

    source = built(tmp_path / "beyond.sqlite", BEYOND["two levels"])
    monkeypatch.setattr(Reader, "__call__", no_reading)
    with pytest.raises(EngineLimitError):
        clone(str(source), str(tmp_path / "clone.sqlite"), CloneOptions(fit=FitOptions("hma")), Silent())


def test_empty_tables_do_not_count(tmp_path: Path) -> None:
    pytest.importorskip("sdv")
    empty = "".join(f"CREATE TABLE e{n} (a INTEGER, b INTEGER, PRIMARY KEY (a, b));" for n in range(9))
    HMAEngine().check_limits(*schema_of(tmp_path / "chain.sqlite", CHAIN + empty))


def test_two_levels_of_tables_are_within_the_limits(tmp_path: Path) -> None:
    pytest.importorskip("sdv")
    HMAEngine().check_limits(*schema_of(tmp_path / "chain.sqlite", CHAIN))


def test_without_sdv_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema, rows = schema_of(tmp_path / "chain.sqlite", CHAIN)
    monkeypatch.setitem(sys.modules, "sdv", None)
    with pytest.raises(MissingExtraError, match=r"dbclone\[sdv\]"):
        HMAEngine().check_limits(schema, rows)


def test_single_tables_cannot_be_given_a_size(tmp_path: Path) -> None:
    pytest.importorskip("sdv")
    script = PARENT + filled("parent", "id, x", "i, i * 0.37")
    plan = plan_of(tmp_path / "one.sqlite", script)
    with open_source(f"sqlite:///{tmp_path / 'one.sqlite'}") as source:
        model = HMAEngine().fit(plan, lambda name: source.read(plan.schema.table(name)), FitOptions(), Silent())
    with pytest.raises(UsageError, match="--scale"):
        list(model.generate(GenerateOptions(rows=(("parent", 7),)), Silent()))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_rows_in_another_process(tmp_path: Path) -> None:
    """SDV walks over sets of names, whose order Python changes from process to process."""
    pytest.importorskip("sdv")
    built(tmp_path / "chain.sqlite", CHAIN)
    program = "from dbclone.cli import main; main()"
    command = [sys.executable, "-c", program, "copy", "chain.sqlite", "clone.sqlite", "--engine", "hma", "--clean"]
    dumps = []
    for hash_seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path), "HOME": str(tmp_path)}
        subprocess.run([*command, "--yes", "--quiet"], cwd=tmp_path, env=environment, check=True)
        with sqlite3.connect(tmp_path / "clone.sqlite") as db:
            dumps.append(list(db.iterdump()))
        db.close()
    assert dumps[0] == dumps[1]


def test_what_one_entity_holds_is_no_more_in_its_clones_than_in_the_forests(tmp_path: Path) -> None:
    """Labels, numbers and extremes of one client, however many bookings hold them."""
    pytest.importorskip("sdv")
    source, target = tmp_path / "bookings.sqlite", tmp_path / "clone.sqlite"
    rows = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
    built(
        source,
        "CREATE TABLE client (id INTEGER PRIMARY KEY, code TEXT NOT NULL, income INTEGER);"
        f"INSERT INTO client {rows} SELECT i, char(65 + i % 26, 65 + i * 7 % 26), i * 7919 % 100000 FROM n LIMIT 60;"
        "UPDATE client SET income = 9000000 WHERE id = 60;"
        "CREATE TABLE booking (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL REFERENCES client, sort TEXT);"
        f"INSERT INTO booking {rows} SELECT i, 1 + i % 60, CASE i % 60 WHEN 7 THEN 'yacht' ELSE 'room' END FROM n;",
    )
    found = clone(str(source), str(target), CloneOptions(fit=FitOptions("hma")), Silent())
    assert not [f for f in found.findings if f.code == "unprotected"]
    with sqlite3.connect(source) as real, sqlite3.connect(target) as made:
        assert {s for (s,) in made.execute("SELECT DISTINCT sort FROM booking")} <= {"room", None}
        held, drawn = ({v for (v,) in db.execute("SELECT income FROM client")} for db in (real, made))
    assert max(drawn) < 200_000
    assert not drawn & held
    unprotected = clone(str(source), str(tmp_path / "open.sqlite"), CloneOptions(fit=FitOptions("hma", k=0)), Silent())
    assert [f for f in unprotected.findings if f.code == "unprotected"]
