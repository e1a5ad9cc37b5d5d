"""Numbers of a clone go somewhat beyond those of k entities, never to where a column might not hold them."""

import numpy as np
import pytest

from dbclone.models.steps import Scale
from dbclone.models.tails import reach
from dbclone.privacy.protection import UNGUARDED, Guard

CENTS = Scale(0.01)


def test_a_heavy_tail_goes_on_beyond_the_fifth_entity() -> None:
    raw = np.round(np.random.default_rng(0).pareto(1.5, 2_000) * 1_000) + 100
    fifth = np.sort(raw)[-5]
    low, high = reach("column:price", raw, CENTS, Guard(5, np.arange(2_000)))
    assert fifth < high < np.sort(raw)[-1] * 2
    assert low >= 0


def test_without_protection_the_extremes_are_those_of_the_data() -> None:
    raw = np.arange(10.0, 500.0)
    assert reach("column:price", raw, CENTS, UNGUARDED) == (10.0, 499.0)


@pytest.mark.parametrize(("step", "scale"), [("column:born", Scale(temporal=True)), ("count:x", Scale())])
def test_dates_and_numbers_of_children_end_at_the_fifth_entity(step: str, scale: Scale) -> None:
    raw = np.arange(1_000.0) ** 2
    assert reach(step, raw, scale, Guard(5, np.arange(1_000)))[1] <= np.sort(raw)[-5] + 2_000


@pytest.mark.parametrize(("top", "most"), [(9_900, 9_999), (120, 127), (30_000, 32_767), (250, 255)])
def test_a_tail_ends_where_another_digit_or_bit_would_be_needed(top: int, most: int) -> None:
    raw = np.append(np.linspace(1, top * 0.6, 400).round(), np.linspace(top * 0.6, top, 12).round())
    assert reach("column:x", raw, Scale(), Guard(5, np.arange(len(raw))))[1] <= most


def test_a_tail_does_not_cross_zero() -> None:
    raw = np.append(np.linspace(1, 20, 12).round(), np.linspace(20, 1_000, 400).round())
    assert reach("column:x", raw, Scale(), Guard(5, np.arange(len(raw))))[0] >= 0
    assert reach("column:x", -raw, Scale(), Guard(5, np.arange(len(raw))))[1] <= 0
