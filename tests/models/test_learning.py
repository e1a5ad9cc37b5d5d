"""What is learned of a table: the order of its steps, what each is counted from, and which rules are kept."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from dbclone.dialects.sqlite_source import SqliteSource
from dbclone.engines.forest import ForestEngine
from dbclone.models.layout import ALIKE, LOOKUP, OWNER, SIBLING
from dbclone.models.steps import Step, TableSteps
from dbclone.options import FitOptions
from dbclone.planning import make_plan
from dbclone.progress import Silent
from tests.hand_made import Rows, build

FILES = """
CREATE TABLE patient (id INTEGER PRIMARY KEY, admitted DATE NOT NULL, ward TEXT NOT NULL);
CREATE TABLE lab (
    patient INTEGER NOT NULL REFERENCES patient, day DATE NOT NULL, value INTEGER NOT NULL, noise INTEGER NOT NULL,
    PRIMARY KEY (patient, day));
CREATE TABLE vital (
    id INTEGER PRIMARY KEY, patient INTEGER NOT NULL REFERENCES patient, test TEXT NOT NULL, unit TEXT NOT NULL,
    level INTEGER NOT NULL);
CREATE TABLE bed (
    id INTEGER PRIMARY KEY, patient INTEGER NOT NULL REFERENCES patient, since DATE NOT NULL, room INTEGER NOT NULL,
    floor INTEGER NOT NULL);
CREATE TABLE charge (
    id INTEGER PRIMARY KEY, patient INTEGER NOT NULL REFERENCES patient, way TEXT, sign TEXT NOT NULL, symbol TEXT,
    amount INTEGER NOT NULL);
"""
WAYS = [("cash in", "+", None), ("cash out", "-", None), ("transfer", "-", "rent"), ("card", "-", "shop"),
        (None, "+", "interest")]  # fmt: skip
UNITS = {"weight": "kg", "height": "cm", "pulse": "bpm", "sugar": "mg"}


def data() -> Rows:
    rng = np.random.default_rng(0)
    tables: dict[str, list[tuple[object, ...]]] = {"patient": [], "lab": [], "vital": [], "bed": [], "charge": []}
    for patient in range(1, 201):
        admitted = np.datetime64("2015-01-01") + int(rng.integers(0, 3_000))
        tables["patient"].append((patient, str(admitted), "NSEW"[rng.integers(4)]))
        value, first = int(rng.integers(0, 100_000)), admitted + int(rng.integers(0, 3))
        for i in range(int(rng.integers(4, 12))):
            tables["lab"].append((patient, str(first + i), value, int(rng.integers(0, 1_000))))
            value += int(rng.integers(-20, 21))
        level = {test: int(rng.integers(0, 10_000)) for test in UNITS}
        for _ in range(int(rng.integers(8, 16))):
            test = str(rng.choice(list(UNITS)))
            seen = level[test] + int(rng.integers(5))
            tables["vital"].append((len(tables["vital"]) + 1, patient, test, UNITS[test], seen))
        for way in rng.choice(len(WAYS), 4):
            amount = int(rng.integers(100)) * 10 ** int(way)
            tables["charge"].append((len(tables["charge"]) + 1, patient, *WAYS[way], amount))
        room = int(rng.integers(0, 40))
        tables["bed"].append((patient, patient, str(admitted + int(rng.integers(0, 3))), 100 + room, 1 + room // 10))
    return tables


def learned(path: Path, workers: int = 2) -> Mapping[str, TableSteps]:
    source = SqliteSource(path)
    try:
        schema = source.reflect()
        read = cache(lambda name: source.read(schema.table(name)))
        plan = make_plan(schema, source.row_counts(schema), read)
        model = ForestEngine().fit(plan, read, FitOptions(workers=workers), Silent())
    finally:
        source.close()
    return {table.table.name: table.steps for table in model.tables if table.steps is not None}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("files") / "files.sqlite", FILES, data())


@pytest.fixture(scope="module")
def tables(source: Path) -> Mapping[str, TableSteps]:
    return learned(source)


def step(table: TableSteps, name: str) -> Step:
    return next(s for s in table.steps if s.name == name)


def references(table: TableSteps, name: str) -> set[int]:
    return {variant.reference for variant in step(table, name).variants}


def test_the_sort_key_is_drawn_first_and_what_children_need_last(tables: Mapping[str, TableSteps]) -> None:
    assert tables["lab"].steps[0].name == "column:day"
    names = [s.name.split(":")[0] for s in tables["patient"].steps]
    assert names == sorted(names, key=["column", "type", "level", "count", "labels"].index)
    assert names.count("count") == 4


def test_a_date_is_counted_from_the_previous_sibling_and_the_first_from_the_owner(
    tables: Mapping[str, TableSteps],
) -> None:
    assert [v.reference for v in step(tables["lab"], "column:day").variants][:2] == [SIBLING, OWNER]


def test_a_random_walk_is_counted_from_the_previous_sibling(tables: Mapping[str, TableSteps]) -> None:
    assert SIBLING in references(tables["lab"], "column:value")


def test_noise_is_counted_from_nothing_and_no_tree_grows(tables: Mapping[str, TableSteps]) -> None:
    (variant,) = step(tables["lab"], "column:noise").variants
    assert variant.tree is not None
    assert len(variant.tree.feature) == 1 or variant.tree.climb[1:].mean() > 0.5


def test_a_date_that_follows_the_owners_is_counted_from_it(tables: Mapping[str, TableSteps]) -> None:
    assert OWNER in references(tables["bed"], "column:since")


def test_the_kind_of_a_measurement_is_recognised_and_remembered(tables: Mapping[str, TableSteps]) -> None:
    vital = tables["vital"]
    assert vital.kind in ("column:test", "column:unit")
    assert ALIKE in references(vital, "column:level")


def test_what_goes_with_the_kind_is_looked_up(tables: Mapping[str, TableSteps]) -> None:
    assert LOOKUP in references(tables["vital"], "column:unit") | references(tables["vital"], "column:test")


def test_what_another_column_determines_is_looked_up(tables: Mapping[str, TableSteps]) -> None:
    assert LOOKUP in references(tables["bed"], "column:floor")
    assert LOOKUP not in references(tables["bed"], "column:room")


def test_a_kind_may_be_empty_where_a_column_says_so_that_it_determines_itself(tables: Mapping[str, TableSteps]) -> None:
    """The way of a charge says its sign, and is NULL for interest."""
    charge = tables["charge"]
    names = [s.name for s in charge.steps]
    assert charge.kind == "column:way"
    assert names.index("column:way") < names.index("column:sign")
    assert LOOKUP in references(charge, "column:sign")


def test_the_result_does_not_depend_on_the_number_of_threads(source: Path, tables: Mapping[str, TableSteps]) -> None:
    alone = learned(source, workers=1)
    for name, table in tables.items():
        for one, two in zip(alone[name].steps, table.steps, strict=True):
            assert one.name == two.name
            for a, b in zip(one.variants, two.variants, strict=True):
                assert a.reference == b.reference
                if a.tree is not None and b.tree is not None:
                    assert (a.tree.climb == b.tree.climb).all()
                    assert np.array_equal(a.tree.codes, b.tree.codes)
                    assert np.array_equal(a.tree.feature, b.tree.feature)
