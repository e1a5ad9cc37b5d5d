"""How much a number is worth that another one is counted from."""

import numpy as np
import pytest

from dbclone.columns.temporal import DAY
from dbclone.models.counting import WORTH, conversion, converted, entropy, saved, straight_line
from dbclone.models.steps import Scale

RNG = np.random.default_rng


def test_entropy_of_equal_cells_is_the_logarithm_of_their_number() -> None:
    """Plus the correction (cells − 1)/2n."""
    assert entropy(np.tile(np.arange(8.0), 1_000), 1.0) == pytest.approx(np.log(8) + 7 / 16_000)
    assert entropy(np.array([5.0, np.nan]), 1.0) == 0
    assert entropy(np.array([np.nan]), 1.0) == np.inf


def test_a_date_that_follows_another_within_days_is_worth_counting_from_it() -> None:
    ordered = RNG(0).integers(0, 3_000, 5_000).astype(float)
    shipped = ordered + RNG(1).integers(0, 5, 5_000)
    assert saved(shipped, ordered, True) > 2 * WORTH


def test_an_unrelated_date_is_worth_nothing() -> None:
    ordered, other = RNG(0).integers(0, 3_000, (2, 5_000)).astype(float)
    assert saved(other, ordered, True) < 0.1


def test_a_base_that_is_mostly_missing_is_worth_nothing() -> None:
    ordered = RNG(0).integers(0, 3_000, 5_000).astype(float)
    base = np.where(np.arange(5_000) % 3 == 0, ordered, np.nan)
    assert saved(ordered + 1, base, True) == 0


def test_days_become_hours_and_back() -> None:
    days, hours = Scale(DAY, 10 * DAY, True), Scale(DAY / 24, 0.0, True)
    assert conversion(days, hours) == (24.0, 240.0)
    assert converted(np.array([0.0, 1.0, np.nan]), days, hours)[:2].tolist() == [240, 264]
    assert converted(np.array([240.0, 263.0, 264.0]), hours, days).tolist() == [0, 0, 1]


def test_a_column_on_a_line_of_another_is_recognised() -> None:
    day = RNG(2).integers(1, 700, 500).astype(float)
    week = np.floor(day / 7)
    line = straight_line(day, week, Scale())
    assert line is not None
    assert line.unit == pytest.approx(1 / 7, rel=0.01)
    assert np.abs(converted(day, line, Scale()) - week).max() <= 1


@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_what_only_correlates_is_no_line(noise: float) -> None:
    x = RNG(3).normal(size=1_000)
    assert straight_line(x, x + noise * RNG(4).normal(size=1_000), Scale()) is None


def test_few_rows_and_constants_make_no_line() -> None:
    assert straight_line(np.arange(20.0), np.arange(20.0), Scale()) is None
    assert straight_line(np.zeros(100), np.arange(100.0), Scale()) is None
