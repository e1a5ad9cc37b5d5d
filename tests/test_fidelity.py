"""Scores of a clone: what a classifier tells apart, what was copied, and what fresh real rows would score."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dbclone.errors import MissingExtraError, UsageError
from dbclone.fidelity import FidelitySummary, TableFidelity, compare
from dbclone.fidelity_folds import FOLDS, Linked, in_fold, outside_fold, owner_path, parent_folds
from dbclone.fidelity_frames import encode, with_children, with_parents
from dbclone.options import CompareOptions
from dbclone.progress import Silent
from dbclone.two_samples import two_sample_accuracy
from tests import hand_made
from tests.commands import dbclone
from tests.hand_made import name
from tests.real_data import read_all

SQL = """
CREATE TABLE region (id INTEGER PRIMARY KEY, label TEXT NOT NULL);
CREATE TABLE member (
  id INTEGER PRIMARY KEY, region_id INTEGER NOT NULL REFERENCES region (id),
  age INTEGER NOT NULL, weight REAL, sex TEXT NOT NULL, joined DATE NOT NULL
);
CREATE TABLE visit (
  id INTEGER PRIMARY KEY, member_id INTEGER NOT NULL REFERENCES member (id),
  day DATE NOT NULL, kind TEXT NOT NULL, cost REAL NOT NULL
);
"""
Rows = dict[str, list[tuple[object, ...]]]


def club(seed: int, members: int = 300) -> Rows:
    """Members and their visits, whose cost depends on the member's age."""
    rng = np.random.default_rng(seed)
    age, day = rng.integers(18, 80, members), np.datetime64("2020-01-01")
    who = np.repeat(np.arange(members), rng.poisson(4, members))
    return {
        "region": [(i, f"region {i}") for i in range(4)],
        "member": [
            (i, int(rng.integers(4)), int(age[i]), None if rng.random() < 0.1 else round(float(rng.normal(70, 12)), 1),
             str(rng.choice(["f", "m"])), str(day + rng.integers(0, 900)))
            for i in range(members)
        ],
        "visit": [
            (i, int(m), str(day + rng.integers(0, 900)), str(rng.choice(["swim", "run", "row"])),
             round(float(age[m] + rng.normal(0, 3)), 2))
            for i, m in enumerate(who)
        ],
    }  # fmt: skip


def scores(tmp_path: Path, clone: Rows, real: Rows | None = None) -> FidelitySummary:
    paths = [
        hand_made.build(tmp_path / f"{kind}.sqlite", SQL, rows)
        for kind, rows in (("real", real or club(1)), ("clone", clone))
    ]
    return compare(str(paths[0]), str(paths[1]), CompareOptions(), Silent())


def of(summary: FidelitySummary, table: str) -> TableFidelity:
    return next(t for t in summary.tables if t.table == name(table))


# --- what the scores tell --------------------------------------------------------------------------------------------


def test_fresh_rows_cannot_be_told_apart(tmp_path: Path) -> None:
    summary = scores(tmp_path, club(2))
    for table in ("member", "visit"):
        found = of(summary, table)
        for score in (found.clone.single, found.clone.aggregates, found.clone.joined):
            assert score is None or score == pytest.approx(0.5, abs=0.07), table
        for floor in (found.floor.single, found.floor.aggregates, found.floor.joined):
            assert floor is None or floor == pytest.approx(0.5, abs=0.08), table
    assert summary.distance < 0.05


def test_rows_of_another_kind_are_told_apart(tmp_path: Path) -> None:
    clone = club(2)
    clone["member"] = [(*row[:2], max(int(row[2]), 50), *row[3:]) for row in clone["member"]]  # type: ignore[call-overload]
    assert (of(scores(tmp_path, clone), "member").clone.single or 0) > 0.7


def test_copied_rows_score_far_below_one_half(tmp_path: Path) -> None:
    clone = club(1)
    numbers = np.random.default_rng(0).permutation(len(clone["member"]))
    clone["member"] = [(int(i), *row[1:]) for i, row in zip(numbers, clone["member"], strict=True)]
    found = of(scores(tmp_path, clone), "member")
    assert (found.clone.single or 1) < 0.3
    assert (found.clone.copied, found.floor.copied) == (1.0, 0.0)


def test_a_table_repeated_row_for_row_is_not_scored(tmp_path: Path) -> None:
    found = of(scores(tmp_path, club(2)), "region")
    assert found.identical
    assert found.clone.single is None


def test_a_broken_link_between_parent_and_child_shows_only_in_the_joined_rows(tmp_path: Path) -> None:
    clone = club(2)
    members = np.random.default_rng(0).permutation([row[1] for row in clone["visit"]])  # type: ignore[arg-type]
    clone["visit"] = [(row[0], int(m), *row[2:]) for row, m in zip(clone["visit"], members, strict=True)]
    found = of(scores(tmp_path, clone), "visit")
    assert (found.clone.single or 1) < 0.56
    assert (found.clone.joined or 0) > 0.7


def test_a_broken_number_of_children_shows_in_the_aggregates(tmp_path: Path) -> None:
    clone = club(2)
    clone["visit"] = [(row[0], i % 300, *row[2:]) for i, row in enumerate(clone["visit"])]
    found = of(scores(tmp_path, clone), "member")
    assert (found.clone.single or 1) < 0.58
    assert (found.clone.aggregates or 0) > 0.8


def test_siblings_never_betray_their_parent(tmp_path: Path) -> None:
    """Every member has a weight of its own: with siblings on both sides of a split it would give them away."""
    summary = scores(tmp_path, club(4, 100), club(3, 100))
    assert of(summary, "visit").clone.joined == pytest.approx(0.5, abs=0.1)


# --- as a command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    real = hand_made.build(tmp_path / "real.sqlite", SQL, club(1))
    return real, hand_made.build(tmp_path / "clone.sqlite", SQL, club(2))


def test_scores_are_shown_with_their_floor(pair: tuple[Path, Path]) -> None:
    outcome = dbclone("compare", *pair)
    assert outcome.code == 0, outcome.err
    assert "mean distance from 0.5" in outcome.out
    assert "region" in outcome.out


def test_scores_as_json(pair: tuple[Path, Path]) -> None:
    found = json.loads(dbclone("compare", *pair, "--json").out)
    member = next(t for t in found["tables"] if t["table"] == "member")
    assert set(member["clone"]) == {"single", "aggregates", "joined", "copied"}
    assert 0.4 < member["floor"]["single"] < 0.6


def test_tables_that_the_clone_has_not_are_named(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    partial = hand_made.build(tmp_path / "part.sqlite", SQL.partition("CREATE TABLE visit")[0], {"region": [(1, "x")]})
    found = json.loads(dbclone("compare", pair[0], partial, "--json").out)
    assert found["missing"] == ["visit"]


def test_databases_without_a_common_table_are_refused(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    other = hand_made.build(tmp_path / "other.sqlite", "CREATE TABLE thing (id INTEGER)", {"thing": [(1,)]})
    outcome = dbclone("compare", pair[0], other)
    assert outcome.code == UsageError.exit_code
    assert "no table in common" in outcome.sentence


def test_without_the_classifier_the_extra_is_named(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)
    outcome = dbclone("compare", *pair)
    assert outcome.code == MissingExtraError.exit_code
    assert "dbclone[compare]" in outcome.sentence


@pytest.mark.postgres
def test_a_clone_in_another_product_is_compared_all_the_same(
    pair: tuple[Path, Path], new_postgres: Callable[[], str]
) -> None:
    target = new_postgres()
    assert dbclone("copy", pair[0], target, "-q").code == 0
    outcome = dbclone("compare", pair[0], target, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["missing"] == []
    assert all(t["identical"] or t["clone"]["single"] < 0.75 for t in found["tables"])


# --- the parts -------------------------------------------------------------------------------------------------------


@pytest.fixture
def linked(pair: tuple[Path, Path]) -> Linked:
    return Linked(*read_all(pair[0]))


def test_a_parent_of_few_rows_is_a_label_and_no_owner(linked: Linked) -> None:
    assert [key.parent for key in owner_path(linked, name("visit"))] == [name("member")]
    assert owner_path(linked, name("member")) == ()


def test_no_member_stands_on_both_sides_of_a_split(linked: Linked) -> None:
    key = linked.schema.table(name("visit")).foreign_keys[0]
    folds, members = parent_folds(linked, name("visit"), [(key, (), False)], 0), linked.parents(name("visit"), key)
    for fold in range(FOLDS):
        train, test = members[outside_fold(folds, fold)], members[in_fold(folds, fold)]
        assert len(test)
        assert not set(train) & set(test)


def test_children_are_counted_and_averaged(linked: Linked) -> None:
    frame = with_children(linked, linked, name("member"))
    assert frame is not None
    visits = [row for row in club(1)["visit"] if row[1] == 5]
    assert frame.column("visit(member_id): count")[5].as_py() == len(visits)
    costs = [float(row[4]) for row in visits]  # type: ignore[arg-type]
    assert frame.column("visit(member_id): mean cost")[5].as_py() == pytest.approx(np.mean(costs))
    assert frame.column("visit(member_id): distinct kind")[5].as_py() == len({row[3] for row in visits})


def test_children_see_their_parents_columns_but_no_identifier(linked: Linked) -> None:
    frame = with_parents(linked, name("visit"), linked.schema.table(name("visit")).foreign_keys)
    assert {"day", "kind", "cost", "member.0.age", "member.0.joined"} <= set(frame.column_names)
    assert not {"id", "member_id", "member.0.id", "member.0.region_id"} & set(frame.column_names)


def test_dates_are_taken_apart_and_blanks_filled() -> None:
    day = pa.array(["2020-02-03", None]).cast(pa.date32())
    real, clone = encode(pa.table({"day": day}), pa.table({"day": day[:1]}))
    assert real.shape == (2, 0)  # all known days are one and the same: nothing to see
    other = pa.array(["2021-02-04"]).cast(pa.date32())
    real, clone = encode(pa.table({"day": day}), pa.table({"day": other}))
    assert real.tolist() == [[2020.0, 3.0], [2020.5, 3.5]]
    assert clone.tolist() == [[2021.0, 4.0]]


def test_order_among_equally_frequent_categories_betrays_nothing() -> None:
    """Real levels are numbered with the synthetic ones in between, not before them."""
    real = pa.table({"code": [f"r{i // 4}" for i in range(1_000)]})
    clone = pa.table({"code": [f"s{i // 4}" for i in range(1_000)]})
    features = encode(real, clone)
    assert abs(features[0].mean() - features[1].mean()) < 40


def test_tiny_tables_are_not_scored() -> None:
    rows = pa.table({"x": [1.0, 2.0]})
    assert two_sample_accuracy(rows, rows, 100) is None
    assert two_sample_accuracy(pa.table({"x": ["a"] * 50}), pa.table({"x": ["a"] * 50}), 100) is None
