"""Sieves close the places of rare numbers among so many others that a closed place tells next to nothing."""

import numpy as np
import pytest

from dbclone.models.sieve import REACH, Sieve, opened, place
from dbclone.privacy.protection import UNGUARDED, Guard

K = 5


def guard(n: int) -> Guard:
    return Guard(K, np.arange(n))


def moved(sieve: Sieve, numbers: np.ndarray) -> np.ndarray:
    return np.array([opened(sieve.closed, sieve.kept, float(x), -1e12, 1e12) for x in numbers])


@pytest.mark.parametrize("rare", [1, 3, 40, 3_000])
def test_no_draw_stays_on_a_rare_number_and_none_goes_far(rare: int) -> None:
    raw = np.random.default_rng(1).choice(10**7, rare, replace=False).astype(float)
    sieve = Sieve.fit(raw, guard(rare))
    there = moved(sieve, raw)
    assert not np.isin(there, raw).any()
    assert np.abs(there - raw).max() <= REACH


@pytest.mark.parametrize("rare", [1, 3, 8, 40, 3_000])
def test_a_third_and_more_of_all_places_are_closed(rare: int) -> None:
    """A closed place makes a number at most 1 / 0.35 times as likely (0.4 of the table, less four standard errors)."""
    raw = np.random.default_rng(2).choice(10**7, rare, replace=False).astype(float)
    closed = Sieve.fit(raw, guard(rare)).closed
    asked = np.random.default_rng(3).choice(10**7, 4_000)
    share = np.mean([closed[place(float(x), len(closed))] for x in asked])
    assert 0.35 < share < 0.75


def test_numbers_that_k_entities_hold_stay_open() -> None:
    raw = np.append(np.repeat([500.0, 90_000.0], 10), np.arange(1_000, 5_000, 13))
    sieve = Sieve.fit(raw, guard(len(raw)))
    assert moved(sieve, np.array([500.0, 90_000.0])).tolist() == [500, 90_000]


def test_many_rows_of_one_entity_do_not_open_a_place() -> None:
    raw = np.append(np.repeat(777_777.0, 50), np.arange(0, 10**6, 10**4))
    entities = np.append(np.zeros(50, dtype=np.int64), np.arange(1, 101))
    assert moved(Sieve.fit(raw, Guard(K, entities)), np.array([777_777.0]))[0] != 777_777


def test_bounds_are_kept_and_fractions_pass() -> None:
    sieve = Sieve.fit(np.array([1_000.0, 5_000.0, 90_000.0]), guard(3))
    assert opened(sieve.closed, sieve.kept, 1_000.0, 1_000.0, 1_000.0) == 1_000
    assert opened(sieve.closed, sieve.kept, 1_000.5, 0.0, 1e6) == 1_000.5


@pytest.mark.parametrize(("raw", "held"), [(np.arange(1.0, 13.0), guard(12)), (np.arange(0.0, 1e6, 997), UNGUARDED)])
def test_months_have_no_sieve_nor_has_what_is_unguarded(raw: np.ndarray, held: Guard) -> None:
    assert not len(Sieve.fit(raw, held).closed)
