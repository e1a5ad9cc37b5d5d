"""The order of siblings is found in the data."""

import time

import numpy as np
import pytest

from dbclone.ordering import sort_key

RNG = np.random.default_rng(7)


def families(count: int, size: int) -> np.ndarray:
    return np.repeat(np.arange(count), size)


def shuffled(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    order = np.random.default_rng(3).permutation(len(arrays[0]))
    return tuple(array[order] for array in arrays)


def test_a_calendar_of_days_is_regular() -> None:
    family, day = families(20, 100), np.tile(np.arange(100), 20)
    family, day = shuffled(family, day)
    sales = RNG.integers(0, 10_000, len(day))
    key = sort_key(family, {"day": day, "sales": sales}, ["day"])
    assert (key.columns, key.unique) == (("day",), True)
    assert key.regularity > 0.98


def test_year_and_month_together_are_a_key_although_neither_is() -> None:
    start = RNG.integers(0, 24, 50)
    family = families(50, 30)
    month_no = np.concatenate([s + np.arange(30) for s in start])
    family, year, month = shuffled(family, 2010 + month_no // 12, 1 + month_no % 12)
    key = sort_key(family, {"year": year, "month": month, "amount": RNG.integers(0, 9, len(year))})
    assert key.columns == ("year", "month")
    assert key.regularity > 0.95


def test_line_numbers_win_over_irregular_dates() -> None:
    family, line = families(300, 5), np.tile(np.arange(1, 6), 300)
    shipped = RNG.integers(0, 1_000, len(line))
    family, line, shipped = shuffled(family, line, shipped)
    assert sort_key(family, {"shipped": shipped, "line": line}, ["shipped"]).columns == ("line",)


def test_a_few_doubled_days_are_tolerated() -> None:
    family, day = families(20, 100), np.tile(np.arange(100), 20)
    day[::50] = day[1::50]
    key = sort_key(family, {"day": day}, ["day"])
    assert key.columns == ("day",)
    assert key.unique


def test_dates_with_ties_still_order_but_are_not_unique() -> None:
    family, day = families(50, 40), np.sort(RNG.integers(0, 12, (50, 40)), axis=1).ravel()
    key = sort_key(family, {"day": day, "stars": RNG.integers(1, 6, 2000)}, ["day"])
    assert (key.columns, key.unique) == (("day",), False)


def test_integers_that_rise_with_the_rows_order_them() -> None:
    days = np.sort(RNG.integers(0, 3_000, (200, 10)), axis=1)
    days[:, 1::2] = days[:, ::2]
    assert sort_key(families(200, 10), {"days": days.ravel()}).columns == ("days",)


def test_random_measures_order_nothing() -> None:
    family, amount, score = families(200, 6), RNG.integers(0, 10_000, 1200), RNG.normal(size=1200)
    assert sort_key(family, {"amount": amount, "score": score}).columns == ()


def test_large_codes_are_no_positions_even_if_their_steps_repeat() -> None:
    codes = np.tile(np.array([10_000_000, 30_000_000, 50_000_000]), 100)
    family, codes = shuffled(families(100, 3), codes)
    assert sort_key(family, {"code": codes}).columns == ()


def test_rank_within_an_event_is_regular_but_not_within_a_driver() -> None:
    event, driver = families(200, 20), np.concatenate([RNG.permutation(20) for _ in range(200)])
    rank = np.tile(np.arange(1, 21), 200)
    event, driver, rank = shuffled(event, driver, rank)
    assert sort_key(event, {"rank": rank}).regularity > 0.9
    assert sort_key(driver, {"rank": rank}).regularity < 0.3


@pytest.mark.parametrize(("rows_in_key_order", "expected"), [(True, 1.0), (False, 0.0)])
def test_neighbouring_rows_are_evidence_only_for_a_surrogate_key(rows_in_key_order: bool, expected: float) -> None:
    key = sort_key(families(50, 4), {}, rows_in_key_order=rows_in_key_order)
    assert key.contiguity == pytest.approx(expected)


def test_chance_neighbours_are_no_evidence() -> None:
    mostly_one = np.where(RNG.random(2_000) < 0.9, 0, RNG.integers(1, 50, 2_000))
    assert sort_key(mostly_one, {}).contiguity == 0.0


def test_sessions_are_concentrated_and_evenly_strewn_rows_are_not() -> None:
    user = families(100, 50)
    session = RNG.integers(0, 10**7, 100).repeat(50) + RNG.integers(0, 600, 5_000)
    strewn = RNG.integers(0, 10**7, 5_000)
    assert sort_key(user, {"at": session}, ["at"]).concentration > 5
    assert sort_key(user, {"at": strewn}, ["at"]).concentration < 2


def test_rows_without_a_family_and_nulls_are_passed_over() -> None:
    family, day = families(20, 50), np.tile(np.arange(50.0), 20)
    family[::10] = -1
    day[5] = np.nan
    assert sort_key(family, {"day": day, "gone": np.full(1000, np.nan)}, ["day"]).columns == ("day",)


@pytest.mark.parametrize("family", [np.array([], dtype=np.int64), np.array([-1, -1]), np.array([0, 1, 2])])
def test_without_siblings_there_is_no_order(family: np.ndarray) -> None:
    key = sort_key(family, {"day": np.arange(len(family))}, ["day"])
    assert (key.columns, key.regularity) == ((), 0.0)


def test_the_cost_does_not_grow_with_the_number_of_columns_and_rows() -> None:
    family = families(20_000, 50)
    columns = {f"c{i}": RNG.integers(0, 40, len(family)) for i in range(12)}
    started = time.perf_counter()
    sort_key(family, columns)
    assert time.perf_counter() - started < 3
