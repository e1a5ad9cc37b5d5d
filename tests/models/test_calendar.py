"""Dates that stand on few days of the month are known by these, and numbers move to the nearest of them."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbclone.columns.temporal import DAY
from dbclone.models.calendar import days_of_month, on_days_of_month
from dbclone.privacy.protection import UNGUARDED, Guard

EPOCH = dt.date(1970, 1, 1)
LAST, FIRST, FIFTEENTH = 1 << 0, 1 << 1, 1 << 15


def number(date: dt.date) -> float:
    return float((date - EPOCH).days)


def numbers(days: tuple[int, ...], years: int = 8) -> np.ndarray:
    return np.array([number(dt.date(2000 + y, m, d)) for y in range(years) for m in range(1, 13) for d in days])


def last_days() -> np.ndarray:
    return numbers((1,)) - 1


@pytest.mark.parametrize(
    ("raw", "mask"),
    [(numbers((1,)), FIRST), (numbers((1, 15)), FIRST | FIFTEENTH), (last_days(), LAST), (np.arange(0.0, 4_000), 0)],
)
def test_the_days_of_the_month_are_found_where_they_are_few(raw: np.ndarray, mask: int) -> None:
    assert days_of_month(raw, DAY, 0.0, UNGUARDED) == mask


def test_a_day_of_the_month_that_few_entities_have_is_no_habit() -> None:
    """Nor is the column's calendar known without it."""
    raw = np.append(numbers((1,)), numbers((20,), years=1))
    assert days_of_month(raw, DAY, 0.0, Guard(5, np.append(np.arange(96), np.full(12, 100)))) == 0


@given(st.dates(dt.date(1800, 1, 1), dt.date(2300, 12, 31)), st.sets(st.integers(0, 28), min_size=1, max_size=4))
def test_a_date_moves_to_the_nearest_of_the_days(date: dt.date, days: set[int]) -> None:
    mask = sum(1 << day for day in days)
    moved = EPOCH + dt.timedelta(days=on_days_of_month(number(date), 0.0, mask, -1e9, 1e9))
    around = (date + dt.timedelta(days=step) for step in range(-31, 32))
    fitting = [d for d in around if d.day in days or (0 in days and (d + dt.timedelta(days=1)).day == 1)]
    assert moved in fitting
    assert abs(moved - date) == min(abs(d - date) for d in fitting)


def test_bounds_come_first() -> None:
    """Where no such day lies within them the number stays."""
    tenth = number(dt.date(2024, 5, 10))
    assert on_days_of_month(tenth, 0.0, FIRST, tenth - 3, tenth + 60) == number(dt.date(2024, 6, 1))
    assert on_days_of_month(tenth, 0.0, FIRST, tenth - 3, tenth + 3) == tenth
