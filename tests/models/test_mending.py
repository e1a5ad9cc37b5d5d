"""Rows of families whose totals may not be are exchanged, or replaced, until these may be."""

import numpy as np

from dbclone.models.mending import donors


def mended(group: list[int], worth: list[int], forbidden: set[int]) -> tuple[np.ndarray, np.ndarray]:
    """The worth of each row afterwards, and the totals."""
    up, values = np.array(group), np.array(worth)
    groups = max(group) + 1

    def totals(rows: np.ndarray, like: np.ndarray) -> np.ndarray:
        return np.bincount(up[rows], weights=values[like], minlength=groups)

    def bad(rows: np.ndarray, like: np.ndarray) -> np.ndarray:
        there = np.bincount(up[rows], minlength=groups) > 0
        return there & np.isin(totals(rows, like), [*forbidden])

    like = donors(up, values.astype(float), bad, np.random.default_rng(0))
    held = up >= 0
    after = values[np.where(like < 0, np.arange(len(up)), like)]
    return after, np.bincount(up[held], weights=after[held], minlength=groups)


def test_rows_are_exchanged_where_that_helps_and_what_there_is_stays_the_same() -> None:
    """Two families of 3 and 5: with 1 and 2 exchanged, both have 4."""
    after, totals = mended([0, 0, 1, 1], [1, 2, 2, 3], {3, 5})
    assert totals.tolist() == [4, 4]
    assert sorted(after) == [1, 2, 2, 3]


def test_where_no_exchange_helps_rows_are_replaced() -> None:
    """One video among four songs makes a total that nobody may have, in whatever family it is."""
    group = np.repeat(np.arange(50), 4).tolist()
    worth = [1] * 200
    worth[0] = worth[77] = 2
    _, totals = mended(group, worth, {5})
    assert set(totals) <= {4, 6}


def test_nothing_changes_where_nothing_is_forbidden_nor_in_rows_without_a_family() -> None:
    group, worth = [0, 0, 1, -1, -1], [1, 2, 4, 9, 9]
    assert mended(group, worth, {8})[0].tolist() == worth
    assert mended(group, worth, {3})[0].tolist()[3:] == [9, 9]


def test_a_family_that_cannot_be_helped_stays_as_it_was() -> None:
    after, totals = mended([0, 0, 1, 1], [1, 1, 1, 1], {2})
    assert after.tolist() == [1, 1, 1, 1]
    assert totals.tolist() == [2, 2]
