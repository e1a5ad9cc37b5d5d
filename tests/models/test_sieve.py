"""Sieves keep draws from rare numbers by rules of k entities, and leave the rest almost as it is."""

import numpy as np
import pytest

from dbclone.models.sieve import Sieve
from dbclone.privacy.protection import UNGUARDED, Guard, holders

K = 5


def guard(n: int) -> Guard:
    return Guard(K, np.arange(n))


def cells_of(sieve: Sieve, numbers: np.ndarray) -> np.ndarray:
    return np.searchsorted(sieve.cuts, numbers, side="right")


@pytest.mark.parametrize("rare", [1, 3, 40, 3_000])
def test_no_draw_stays_on_a_rare_number_and_none_goes_far(rare: int) -> None:
    raw = np.random.default_rng(1).choice(10**7, rare, replace=False).astype(float)
    moved = Sieve.fit(raw, guard(rare)).passed(raw)
    assert not np.isin(moved, raw).any()
    assert np.abs(moved - raw).max() <= 8


@pytest.mark.parametrize("rare", [1, 4, 5, 8, 40, 3_000])
def test_every_cell_stems_from_k_entities(rare: int) -> None:
    """Where fewer hold anything rare, invented ones complete them: there is a single cell then."""
    raw = np.random.default_rng(2).choice(10**7, rare, replace=False).astype(float)
    sieve = Sieve.fit(raw, guard(rare))
    assert len(sieve.moduli) == len(sieve.cuts) + 1
    assert rare < K or holders(cells_of(sieve, raw), np.arange(rare), len(sieve.moduli)).min() >= K
    assert len(sieve.moduli) == 1 or rare >= 2 * K


def test_rows_of_one_entity_make_no_cell() -> None:
    raw = np.append(np.arange(1_000.0) * 7_919, np.arange(50) * 10**5 + 3)
    entities = np.append(np.zeros(1_000, dtype=np.int64), np.arange(1, 51))
    sieve = Sieve.fit(raw, Guard(K, entities))
    assert holders(cells_of(sieve, raw), entities, len(sieve.moduli)).min() >= K
    assert not np.isin(sieve.passed(raw), raw).any()


def test_what_is_forbidden_says_next_to_nothing() -> None:
    """At most half of the numbers are allowed, so that a forbidden one is at most twice as likely to be somebody's."""
    raw = np.random.default_rng(3).choice(10**7, 3_000, replace=False).astype(float)
    sieve = Sieve.fit(raw, guard(3_000))
    allowed = [int(bits).bit_count() / m for bits, m in zip(sieve.classes, sieve.moduli, strict=True)]
    assert max(allowed) <= 0.5
    asked = np.random.default_rng(4).choice(10**7, 20_000).astype(float)
    assert (sieve.passed(asked) == asked).mean() > 0.3


def test_cells_begin_at_no_number_of_anybody_if_there_is_a_rounder_one() -> None:
    raw = np.random.default_rng(5).choice(10**7, 500, replace=False).astype(float)
    assert np.isin(Sieve.fit(raw, guard(500)).cuts, raw).mean() < 0.02


def test_numbers_that_k_entities_hold_stay() -> None:
    raw = np.append(np.repeat([500.0, 90_000.0], 10), np.arange(1_000, 5_000, 13))
    assert Sieve.fit(raw, guard(len(raw))).passed(np.array([500.0, 90_000.0])).tolist() == [500, 90_000]


def test_many_rows_of_one_entity_do_not_make_a_number_common() -> None:
    raw = np.append(np.repeat(777_777.0, 50), np.arange(0, 10**6, 10**4))
    entities = np.append(np.zeros(50, dtype=np.int64), np.arange(1, 101))
    assert Sieve.fit(raw, Guard(K, entities)).passed(np.array([777_777.0]))[0] != 777_777


def test_a_crowded_range_still_has_its_gaps() -> None:
    """Half of all numbers are somebody's: draws go to those that nobody has."""
    raw = np.sort(np.random.default_rng(6).permutation(30_000)[:15_000]).astype(float)
    moved = Sieve.fit(raw, guard(len(raw))).passed(raw)
    assert np.isin(moved, raw).mean() < 0.02
    assert np.abs(moved - raw).max() < 50


def test_where_nearly_all_numbers_are_somebodys_draws_go_to_the_rest() -> None:
    raw = np.sort(np.random.default_rng(6).permutation(3_000)[:2_900]).astype(float)
    moved = Sieve.fit(raw, guard(len(raw))).passed(np.random.default_rng(7).integers(0, 3_000, 5_000).astype(float))
    assert not np.isin(moved, raw).any()


def test_where_numbers_that_k_entities_hold_are_near_draws_go_there() -> None:
    """Sales of a hundred shops: every number is somebody's, every third that of many."""
    raw = np.append(np.arange(3_000.0), np.repeat(np.arange(0.0, 3_000.0, 3), 9))
    drawn = np.arange(3_000.0)
    moved = Sieve.fit(raw, guard(len(raw))).passed(drawn)
    assert (moved % 3 == 0).all()
    assert np.abs(moved - drawn).max() == 1


def test_of_a_short_range_of_which_every_number_is_in_use_those_are_left_that_k_entities_hold() -> None:
    months = np.repeat(np.arange(1.0, 13.0), [3, 4, 9, 9, 4, 3, 9, 9, 9, 4, 10, 4])
    moved = Sieve.fit(months, guard(len(months))).passed(months)
    assert np.unique(moved).tolist() == [3, 4, 7, 8, 9, 11]


def test_of_a_short_range_of_which_k_entities_hold_nothing_that_is_left_which_nobody_has() -> None:
    marks = np.arange(1.0, 21.0)
    marks = marks[marks != 13]
    assert not np.isin(Sieve.fit(marks, guard(len(marks))).passed(marks), marks).any()


def test_of_a_range_with_gaps_those_are_left_that_k_entities_hold() -> None:
    numbers = np.repeat([1.0, 3.0, 4.0, 7.0, 8.0, 11.0, 12.0], [3, 9, 9, 4, 9, 10, 4])
    moved = Sieve.fit(numbers, guard(len(numbers))).passed(numbers)
    assert not np.isin(moved, [1, 7, 12]).any()


def test_where_every_number_is_somebodys_draws_stay() -> None:
    raw = np.arange(1.0, 1_001.0)
    inside = raw[100:-100]
    assert (Sieve.fit(raw, guard(1_000)).passed(inside) == inside).all()


def test_a_calendar_of_which_every_day_is_in_use_stays_as_it_is() -> None:
    days = np.concatenate([np.arange(start, 400.0) for start in range(40)])
    who = np.concatenate([np.full(400 - start, start) for start in range(40)])
    sieve = Sieve.fit(days, Guard(K, who), calendar=True)
    assert sieve.crowded
    assert (sieve.passed(days) == days).all()


def test_the_first_days_of_a_panel_that_begins_with_few_move_to_those_of_many() -> None:
    days = np.concatenate([np.arange(start, 400.0) for start in range(40)])
    who = np.concatenate([np.full(400 - start, start) for start in range(40)])
    moved = Sieve.fit(days, Guard(K, who)).passed(days)
    assert not np.isin(moved, np.arange(K - 1)).any()
    assert (moved == days)[days >= K - 1].all()


def test_columns_that_share_a_sieve_keep_order_and_equality() -> None:
    rng = np.random.default_rng(7)
    begun = rng.choice(10**6, 400).astype(float)
    ended = begun + rng.choice([0, 0, 1, 2, 50], 400)
    one, other = Sieve.fit(begun, guard(400), [ended]), Sieve.fit(ended, guard(400), [begun])
    first, last = one.passed(begun), other.passed(ended)
    assert (first <= last).all()
    assert (first == last)[begun == ended].all()
    assert not np.isin(first, begun).any()
    assert not np.isin(last, ended).any()


def test_fractions_and_nulls_pass() -> None:
    sieve = Sieve.fit(np.array([1_000.0, 5_000.0, 90_000.0]), guard(3))
    passed = sieve.passed(np.array([1_000.5, np.nan]))
    assert passed[0] == 1_000.5
    assert np.isnan(passed[1])


def test_ages_that_few_have_are_avoided_where_most_ages_are_shared() -> None:
    ages = np.append(np.repeat(np.arange(20.0, 60.0), 10), [7, 8, 65, 66, 71, 80])
    assert not np.isin(Sieve.fit(ages, guard(len(ages))).passed(ages), [7, 8, 65, 66, 71, 80]).any()


@pytest.mark.parametrize(("raw", "held"), [(np.arange(1.0, 13.0), guard(12)), (np.arange(0.0, 1e6, 997), UNGUARDED)])
def test_the_months_of_twelve_rows_have_no_sieve_nor_has_what_is_unguarded(raw: np.ndarray, held: Guard) -> None:
    assert not Sieve.fit(raw, held).on
