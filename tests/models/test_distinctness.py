"""Rows that repeat a UNIQUE key are found, and moved to free places."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbclone.models.distinctness import key_numbers, moved_apart, recoded, repeats

cells = st.one_of(st.none(), st.integers(0, 3))
rows_of_two = st.lists(st.tuples(cells, st.one_of(st.none(), st.sampled_from("ab"))), max_size=30)


def columns(rows: list[tuple[int | None, str | None]]) -> list[pa.Array]:
    return [pa.array([a for a, _ in rows], pa.int64()), pa.array([b for _, b in rows], pa.string())]


@given(rows_of_two)
def test_equal_tuples_have_equal_numbers_and_null_has_none(rows: list[tuple[int | None, str | None]]) -> None:
    numbers = key_numbers(columns(rows)).tolist()
    seen: dict[int, tuple[int | None, str | None]] = {}
    for row, number in zip(rows, numbers, strict=True):
        assert (number == -1) == (None in row)
        if number >= 0:
            assert seen.setdefault(number, row) == row
    assert len(seen) == len({row for row in rows if None not in row})


@given(rows_of_two, st.booleans())
def test_repeats_are_all_but_the_first_of_each_key(rows: list[tuple[int | None, str | None]], distinct: bool) -> None:
    """NULLS DISTINCT: a key with a NULL repeats nothing; NULLS NOT DISTINCT: NULL is a value like another."""
    met: set[tuple[int | None, str | None]] = set()
    wanted = []
    for i, row in enumerate(rows):
        if row in met and not (distinct and None in row):
            wanted.append(i)
        met.add(row)
    assert repeats(columns(rows), distinct).tolist() == wanted


@given(st.lists(cells, max_size=20))
def test_one_column_keys_with_nulls_not_distinct(values: list[int | None]) -> None:
    found = repeats([pa.array(values, pa.int64())], nulls_distinct=False).tolist()
    assert found == [i for i, v in enumerate(values) if v in values[:i]]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=25))
def test_numbers_are_moved_until_each_group_holds_each_once(rows: list[tuple[int, int]]) -> None:
    others = np.array([g for g, _ in rows], dtype=np.int64)
    numbers = np.array([v for _, v in rows], dtype=float)
    again = repeats([pa.array(others), pa.array(numbers)])
    moved = moved_apart(numbers, others, again, 1.0, (-100.0, 100.0))
    assert not len(repeats([pa.array(others), pa.array(moved)]))
    untouched = np.setdiff1d(np.arange(len(rows)), again)
    assert np.array_equal(moved[untouched], numbers[untouched])


def test_a_number_moves_to_the_nearest_free_place_of_its_lattice_within_the_bounds() -> None:
    numbers, others = np.array([5.0, 5.0, 6.0, 4.0]), np.zeros(4, np.int64)
    assert moved_apart(numbers, others, np.array([1]), 1.0, (0.0, 9.0))[1] in (3.0, 7.0)
    assert moved_apart(numbers, others, np.array([1]), 1.0, (4.0, 9.0))[1] == 7.0
    assert moved_apart(numbers, others, np.array([1]), 1.0, (4.0, 6.0))[1] == 5.0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6)), max_size=25), st.integers(2, 12))
def test_codes_are_changed_to_free_ones_as_long_as_there_are_any(rows: list[tuple[int, int]], size: int) -> None:
    others = np.array([g for g, _ in rows], dtype=np.int64)
    codes = np.minimum(np.array([c for _, c in rows], dtype=np.int32), size - 1)
    again = repeats([pa.array(others), pa.array(codes)])
    changed = recoded(codes, others, again, size, np.random.default_rng(0))
    assert np.all(changed >= 1)
    assert np.all(changed < size)
    left = Counter(others[repeats([pa.array(others), pa.array(changed)])].tolist())
    for group, n in Counter(others.tolist()).items():
        assert left[group] == max(n - (size - 1), 0)


def test_null_codes_are_left_alone() -> None:
    codes = np.array([0, 0, 1, 1], dtype=np.int32)
    changed = recoded(codes, np.zeros(4, np.int64), np.array([3]), 4, np.random.default_rng(0))
    assert changed[:3].tolist() == [0, 0, 1]
    assert changed[3] in (2, 3)


@pytest.mark.parametrize("distinct", [True, False])
def test_no_rows_repeat_nothing(distinct: bool) -> None:
    assert repeats([pa.array([], pa.int64())], distinct).tolist() == []


def test_hundreds_that_are_equal_all_find_a_place() -> None:
    moved = moved_apart(np.full(300, 50.0), np.zeros(300, dtype=np.int64), np.arange(1, 300), 1.0, (0.0, 2_000.0))
    assert len(np.unique(moved)) == 300
