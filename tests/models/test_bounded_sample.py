"""Trees are grown on whole families up to a bound; what is counted is counted in all rows."""

from pathlib import Path

import numpy as np
import pytest

from dbclone.models import observation
from dbclone.models.grouping import profile
from dbclone.models.observation import sampled_families
from tests import hand_made
from tests.ablation import Original
from tests.hand_made import name

SQL = """
CREATE TABLE patient (id INTEGER PRIMARY KEY, age INTEGER NOT NULL);
CREATE TABLE visit (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient (id), cost INTEGER NOT NULL);
"""


def test_the_sample_is_of_whole_families_and_bounded() -> None:
    sizes = np.random.default_rng(0).integers(1, 20, 20_000)
    family = np.repeat(np.arange(20_000), sizes)
    rows = sampled_families(family, np.random.default_rng(1))
    assert observation.MOST_ROWS <= len(rows) < observation.MOST_ROWS + 20
    assert (np.diff(rows) > 0).all()
    taken = np.bincount(family[rows], minlength=20_000)
    assert (taken[taken > 0] == sizes[taken > 0]).all()
    assert rows[-1] > 0.9 * len(family)  # not the first ones


def test_few_rows_are_all_taken_and_nothing_is_drawn() -> None:
    rng, fresh = np.random.default_rng(1), np.random.default_rng(1)
    assert sampled_families(np.repeat(np.arange(50), 3), rng).tolist() == list(range(150))
    assert rng.random() == fresh.random()


def test_profiles_of_some_children_are_those_that_all_have() -> None:
    rng = np.random.default_rng(2)
    parent = rng.integers(-1, 40, 500)
    codes, numbers, rows = rng.integers(0, 4, 500).astype(np.int32), rng.normal(size=500), np.arange(3, 500, 7)
    every = profile(parent, 40, [codes], [numbers], rows=np.arange(500))
    some = profile(parent, 40, [codes], [numbers], rows=rows)
    assert every.children.shape == (500, 5)
    assert np.array_equal(some.children, every.children[rows])
    assert np.array_equal(some.parents, every.parents)


def test_a_clone_of_a_sample_has_all_rows_and_what_goes_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    ages, who = rng.integers(20, 80, 900), np.repeat(np.arange(900), rng.integers(1, 8, 900))
    rows = {
        "patient": [(i, int(age)) for i, age in enumerate(ages)],
        "visit": [(i, int(w), int(10 * ages[w] + rng.integers(0, 50))) for i, w in enumerate(who)],
    }
    original = Original.read(hand_made.build(tmp_path / "clinic.sqlite", SQL, rows))
    monkeypatch.setattr(observation, "MOST_ROWS", 1_000)
    clone = original.clone(0)
    patients, visits = (clone[name(table)] for table in ("patient", "visit"))
    assert visits.num_rows == pytest.approx(len(who), rel=0.1)  # 1,000 of them were learned from
    age = dict(zip(patients["id"].to_pylist(), patients["age"].to_pylist(), strict=True))
    pairs = [(age[p], c) for p, c in zip(visits["patient_id"].to_pylist(), visits["cost"].to_pylist(), strict=True)]
    assert np.corrcoef(np.array(pairs, dtype=float).T)[0, 1] > 0.9
