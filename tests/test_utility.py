"""The utility check: which label is asked for, what a model is shown, and that a clone without use is found out."""

from pathlib import Path

import numpy as np
import pytest

from dbclone.options import CloneOptions
from dbclone.privacy.audit_profiles import Attribute
from tests import hand_made
from tests.hand_made import name
from tests.utility import Label, area, choose_label, measure


def entities(seed: int, *, linked: bool = True) -> tuple[Attribute, ...]:
    """300 persons; their visits tell age nearly, and their weight less well; nothing tells their sex."""
    rng = np.random.default_rng(seed)
    age = rng.normal(size=300)
    cost = age if linked else rng.permutation(age)
    return (
        Attribute("age", False, age),
        Attribute("double age", False, 2 * age),
        Attribute("weight", False, age + rng.normal(size=300)),
        Attribute("sex", False, rng.integers(0, 2, 300).astype(np.float64), 3),
        Attribute("visit.person: count", True, np.ones(300)),
        Attribute("visit.person: mean cost", True, cost),
    )


def test_the_label_is_what_children_tell_best_unless_it_is_computed() -> None:
    label = choose_label(entities(0))
    assert label is not None
    assert label.name == "weight"  # age and its double are told without fault


def test_entities_without_columns_are_asked_for_one_table_by_the_others() -> None:
    rng = np.random.default_rng(1)
    visits = rng.poisson(5, 200).astype(np.float64)
    label = choose_label(
        (
            Attribute("visit.person: count", True, visits),
            Attribute("visit.person: mean cost", True, 3 * visits),
            Attribute("order.person: count", True, visits + rng.poisson(2, 200)),
        )
    )
    assert label is not None
    assert label.shown((Attribute("visit.person: count", True, visits),) * 3).shape == (200, 0)
    assert choose_label((Attribute("visit.person: count", True, visits),)) is None  # nothing else to tell it by


def test_the_labels_own_column_or_table_is_not_shown() -> None:
    known = entities(0)
    age, cost = Label(0, "age", False, 0.0), Label(5, "visit.person: mean cost", False, 0.0)
    assert age.shown(known).shape == (300, 5)
    assert age.shown(known, children_only=True).shape == (300, 2)
    assert cost.shown(known).shape == (300, 4)  # neither the mean nor the count of visits


def test_a_category_is_asked_for_by_its_level_and_null_is_no_answer() -> None:
    values = np.array([2.0, 1.0, np.nan, 2.0])
    answers, known = Label(0, "a", True, 2.0).of((Attribute("a", False, values, 3),))
    assert answers[known].tolist() == [True, False, True]


def test_a_model_of_rows_that_lost_their_children_is_worth_less() -> None:
    label = Label(2, "weight", False, 0.0)
    tested = entities(3)
    shown = [a for a in range(len(tested)) if a not in (0, 1)]  # without age, only the visits say anything
    real, broken, test = ([e[a] for a in shown] for e in (entities(1), entities(2, linked=False), tested))
    label = Label(0, "weight", False, 0.0)
    assert area(label, real, test) > 0.75
    assert area(label, broken, test) == pytest.approx(0.5, abs=0.1)


CLINIC = """
CREATE TABLE patient (id INTEGER PRIMARY KEY, age INTEGER NOT NULL, sex TEXT NOT NULL);
CREATE TABLE visit (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient (id), cost REAL NOT NULL);
"""


def clinic(path: Path, patients: int) -> Path:
    """Patients whose visits cost more the older they are."""
    rng = np.random.default_rng(0)
    ages, who = rng.integers(20, 80, patients), np.repeat(np.arange(patients), rng.integers(2, 6, patients))
    cost = np.round(ages[who] + rng.normal(0, 35, len(who)), 1)
    rows = {
        "patient": [(i, int(age), "fm"[i % 2]) for i, age in enumerate(ages)],
        "visit": [(i, int(who[i]), float(cost[i])) for i in range(len(who))],
    }
    return hand_made.build(path, CLINIC, rows)


def test_a_clone_of_one_half_serves_on_the_other(tmp_path: Path) -> None:
    found = measure(clinic(tmp_path / "clinic.sqlite", 400), [CloneOptions()])
    assert found is not None
    assert (found.unit, found.entities, found.label.name) == (name("patient"), 400, "age")
    assert len(found.real) == len(found.clone) == 2  # both directions
    assert 0.7 < min(found.real) <= max(found.real) < 1.0  # the rows tested on are not those trained on
    assert min(found.clone) > 0.65
    assert [p.name for p in tmp_path.iterdir()] == ["clinic.sqlite"]


def test_few_entities_are_passed_over(tmp_path: Path) -> None:
    assert measure(clinic(tmp_path / "clinic.sqlite", 99), [CloneOptions()]) is None
