"""References filled once the rows are there: trees by level, and references across a cycle of tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbclone.models.hidden import levels
from dbclone.models.pointers import FIRST_LEVEL, ITSELF, NONE, Pointer, assign
from dbclone.models.program import Groups
from dbclone.schema import TableName

T = TableName("", "t")

level_codes = st.lists(st.integers(0, 6), max_size=40).map(lambda codes: np.array(codes, dtype=np.int32))


def pointer(within: bool = True, nullable: bool = True, once: bool = False) -> Pointer:
    return Pointer("fk", T, within, nullable, once, None)


def assigned(
    p: Pointer, codes: np.ndarray, degree: np.ndarray, groups: Groups | None = None, seed: int = 0
) -> np.ndarray:
    return assign(p, codes, degree.astype(float), groups, np.random.default_rng(seed))


def is_forest(up: np.ndarray) -> bool:
    """Whether everyone reaches, going up, a row without parent or one that is its own."""
    at = np.arange(len(up))
    for _ in range(len(up) + 1):
        root = (up[at] < 0) | (up[at] == at)
        at = np.where(root, at, up[at])
    return bool(((up[at] < 0) | (up[at] == at)).all())


@given(level_codes, st.booleans(), st.booleans(), st.integers(0, 9))
def test_a_tree_has_no_cycle(codes: np.ndarray, nullable: bool, once: bool, seed: int) -> None:
    up = assigned(pointer(nullable=nullable, once=once), codes, np.ones(len(codes)), seed=seed)
    assert is_forest(up)
    assert np.all(up < len(codes))
    if not nullable:
        assert np.all(up >= 0)


@given(level_codes, st.integers(0, 9))
def test_every_row_hangs_from_a_row_of_the_level_above(codes: np.ndarray, seed: int) -> None:
    """A level that is absent is left out."""
    up = assigned(pointer(), codes, np.ones(len(codes)), seed=seed)
    assert np.array_equal(up[codes == ITSELF], np.flatnonzero(codes == ITSELF))
    assert np.all(up[codes == NONE] == -1)
    for level in range(FIRST_LEVEL, 7):
        higher = codes[(codes < level) & (codes >= FIRST_LEVEL)]
        above = higher.max() if len(higher) else None
        for row in np.flatnonzero((codes == level) & (up >= 0)):
            assert codes[up[row]] == above if above is not None else codes[up[row]] < FIRST_LEVEL


def test_depths_come_back_as_they_were_asked_for() -> None:
    codes = np.random.default_rng(0).permutation(np.repeat([0, 2, 3, 4], [10, 30, 60, 200])).astype(np.int32)
    up = assigned(pointer(), codes, np.ones(300))
    assert np.array_equal(levels(up), np.maximum(codes - 1, 0))


def test_each_parent_gets_the_children_that_it_is_due() -> None:
    codes = np.repeat([NONE, FIRST_LEVEL], [50, 200]).astype(np.int32)
    degree = np.append(np.arange(50) % 5, np.zeros(200)) * 2
    up = assigned(pointer(), codes, degree)
    assert np.array_equal(np.bincount(up[up >= 0], minlength=250), degree)


def test_where_more_children_come_than_are_due_the_degrees_keep_their_proportions() -> None:
    codes = np.repeat([NONE, FIRST_LEVEL], [10, 300]).astype(np.int32)
    degree = np.append(np.arange(10), np.zeros(300))
    up = assigned(pointer(), codes, degree)
    got = np.bincount(up[up >= 0], minlength=310)[:10]
    assert got[0] == 0
    assert np.all(np.abs(got - degree[:10] * 300 / 45) <= degree[:10])


def test_across_tables_any_row_may_be_the_parent() -> None:
    codes = np.array([NONE, FIRST_LEVEL] * 100, dtype=np.int32)
    up = assigned(pointer(within=False), codes, np.full(20, 5))
    assert np.all((up >= 0) == (codes == FIRST_LEVEL))
    assert np.array_equal(np.bincount(up[up >= 0]), np.full(20, 5))


def test_a_parent_that_may_be_referred_to_once_is() -> None:
    codes = np.full(30, FIRST_LEVEL, dtype=np.int32)
    up = assigned(pointer(within=False, once=True), codes, np.full(20, 3))
    used = up[up >= 0]
    assert len(used) == 20
    assert len(set(used.tolist())) == 20


def test_where_null_is_forbidden_everyone_gets_a_parent() -> None:
    codes = np.full(30, FIRST_LEVEL, dtype=np.int32)
    groups = Groups(np.zeros(4, np.int64), np.full(30, 7), 8)
    assert np.all(assigned(pointer(within=False, nullable=False), codes, np.ones(4)) >= 0)
    assert np.all(assigned(pointer(within=False, nullable=False), codes, np.ones(4), groups) >= 0)


@given(st.integers(1, 5), st.integers(0, 9))
def test_rows_choose_within_the_group_that_they_name(n_groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    offered, wanted = rng.integers(-1, n_groups, 20), rng.integers(-1, n_groups + 1, 40)
    codes = np.full(40, FIRST_LEVEL, dtype=np.int32)
    up = assigned(pointer(within=False), codes, np.ones(20), Groups(offered, wanted, n_groups + 1), seed)
    held = up >= 0
    assert np.array_equal(offered[up[held]], wanted[held])
    assert np.array_equal(held, np.isin(wanted, offered[offered >= 0]) & (wanted >= 0))


def test_the_same_seed_gives_the_same_parents() -> None:
    codes = np.repeat([NONE, FIRST_LEVEL], [50, 200]).astype(np.int32)
    first, again = (assigned(pointer(), codes, np.ones(250), seed=4) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, assigned(pointer(), codes, np.ones(250), seed=5))


@pytest.mark.parametrize("within", [True, False])
def test_no_rows_and_no_parents_are_no_error(within: bool) -> None:
    assert len(assigned(pointer(within), np.zeros(0, np.int32), np.zeros(0))) == 0
    codes = np.full(3, FIRST_LEVEL, dtype=np.int32)
    if not within:
        assert assigned(pointer(within), codes, np.zeros(0)).tolist() == [-1, -1, -1]


def test_levels_count_the_steps_to_the_top() -> None:
    assert levels(np.array([-1, 0, 1, 1, 2, 5])).tolist() == [0, 1, 2, 2, 3, 0]
    assert levels(np.zeros(0, np.int64)).tolist() == []


@given(st.data(), st.integers(1, 30))
def test_levels_of_any_pointers_are_found_even_where_they_run_in_circles(data: st.DataObject, n: int) -> None:
    up = np.array(data.draw(st.lists(st.integers(-1, n - 1), min_size=n, max_size=n)))
    found = levels(up)
    root = (up < 0) | (up == np.arange(n))
    assert np.all(found[root] == 0)
    assert np.all(found[~root] >= 1)
    if is_forest(up):
        assert np.array_equal(found[~root], found[up[~root]] + 1)
