"""A tree finds planted splits, refuses noise, and keeps the distribution of fine codes in its leaves."""

import numpy as np
import pytest

from dbclone.models.tree import FOLDS, Target, Tree, grow
from tests.models.drawn import codes_in, draws, leaf

N = 2_000


def grown(features: np.ndarray, codes: np.ndarray, ordered: bool = True, seed: int = 0) -> Tree:
    """A tree on all of uint8[F, n]; fifths of the rows choose its size."""
    fold = np.random.default_rng(seed).integers(FOLDS, size=len(codes), dtype=np.uint8)
    target = Target(codes.astype(np.int32), codes.astype(np.uint8), int(codes.max(initial=0)) + 1, fold)
    flags = np.full(len(features), ordered)
    return grow(features.astype(np.uint8), flags, target, np.arange(len(features)))


def test_a_planted_split_is_found_where_it_is() -> None:
    rng = np.random.default_rng(0)
    features = rng.integers(0, 200, (5, N))
    codes = np.where(features[3] <= 120, 0, 1)
    tree = grown(features, codes)
    assert tree.feature[0] == 3
    assert set(codes_in(tree, leaf(tree, [0, 0, 0, 120, 0])).tolist()) == {0}
    assert set(codes_in(tree, leaf(tree, [0, 0, 0, 121, 0])).tolist()) == {1}


def test_a_split_that_only_two_features_together_tell_is_found_below_the_first() -> None:
    rng = np.random.default_rng(1)
    features = rng.integers(0, 2, (4, N))
    codes = 2 * features[0] + features[2]
    tree = grown(features, codes)
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert set(codes_in(tree, leaf(tree, [a, 1, b, 0])).tolist()) == {2 * a + b}


def test_categories_are_put_in_the_order_that_the_target_asks_for() -> None:
    """Levels 1, 4, 6 against the others: no cut of the level's number separates them, one cut of the order does."""
    rng = np.random.default_rng(2)
    level = rng.integers(0, 8, N)
    codes = np.isin(level, [1, 4, 6]).astype(int)
    tree = grown(level[None, :], codes, ordered=False)
    assert (tree.feature >= 0).sum() == 1
    assert [codes_in(tree, leaf(tree, [v]))[0] for v in range(8)] == [0, 1, 0, 0, 1, 0, 1, 0]


def noise(seed: int) -> Tree:
    rng = np.random.default_rng(seed)
    return grown(rng.integers(0, 100, (10, 1_000)), rng.integers(0, 4, 1_000), seed=seed)


def test_noise_grows_no_tree_or_one_that_is_shrunk_away() -> None:
    """Luck among 200 held-out rows may let a tree grow, but then with draws mostly from above its small leaves."""
    trees = [noise(seed) for seed in range(20)]
    assert sum(len(tree.feature) == 1 for tree in trees) > 10
    assert all(len(tree.feature) == 1 or tree.climb[1:].mean() > 0.5 for tree in trees)


def test_where_held_out_rows_cannot_decide_the_stricter_choice_is_taken() -> None:
    """No threshold lets the training rows split, so all score alike; all rows together then split on noise."""
    assert all(len(noise(seed).feature) == 1 for seed in (22, 30, 42, 46))


def test_the_rows_of_a_node_lie_side_by_side_within_its_parent() -> None:
    rng = np.random.default_rng(3)
    features = rng.integers(0, 50, (3, N))
    codes = (features[0] > 25) * 4 + (features[1] > 10) * 2 + (rng.random(N) < 0.3)
    tree = grown(features, codes)
    inner = np.flatnonzero(tree.feature >= 0)
    assert len(inner) >= 3
    assert np.array_equal(tree.start[tree.left[inner]], tree.start[inner])
    assert np.array_equal(tree.end[tree.left[inner]], tree.start[tree.right[inner]])
    assert np.array_equal(tree.end[tree.right[inner]], tree.end[inner])
    assert np.array_equal(tree.parent[tree.left[inner]], inner)
    assert sorted(tree.codes.tolist()) == sorted(codes.tolist())


def test_no_leaf_is_smaller_than_five_rows() -> None:
    rng = np.random.default_rng(4)
    features = rng.integers(0, 200, (3, N))
    codes = features[0] // 10
    tree = grown(features, codes)
    assert (tree.end - tree.start)[tree.feature < 0].min() >= 5


def test_large_nodes_and_small_ones_are_split_alike() -> None:
    """Above 400 rows by histogram, below row by row: half of the rows twice gives the same first cut."""
    rng = np.random.default_rng(5)
    features = rng.integers(0, 100, (3, 390))
    codes = (features[1] + rng.normal(0, 10, 390) > 40).astype(int)
    small = grown(features, codes)
    large = grown(np.tile(features, 2), np.tile(codes, 2))
    assert small.feature[0] == large.feature[0] == 1
    assert np.array_equal(small.mask[0], large.mask[0])


def test_strong_shrinkage_where_leaves_tell_little_and_weak_where_they_tell_all() -> None:
    rng = np.random.default_rng(6)
    features = rng.integers(0, 200, (1, N))
    certain = grown(features, (features[0] > 100).astype(int))
    vague = grown(features, (rng.random(N) < 0.3 + 0.3 * (features[0] > 100)).astype(int))
    assert certain.climb[1:].mean() < vague.climb[1:].mean()


@pytest.mark.parametrize("n", [0, 1, 4, 9, 30])
def test_few_rows_make_a_tree_too(n: int) -> None:
    rng = np.random.default_rng(7)
    codes = rng.integers(0, 3, n)
    tree = grown(rng.integers(0, 9, (2, n)), codes)
    assert sorted(tree.codes.tolist()) == sorted(codes.tolist())


def test_without_features_the_root_is_a_leaf() -> None:
    tree = grown(np.zeros((0, 100)), np.arange(100) % 3)
    assert len(tree.feature) == 1


def test_draws_follow_the_conditional_distribution() -> None:
    """Per side 4,000 draws of p: 4 standard deviations are 4 · √(p(1 − p)/4,000) ≤ 0.032; the tree is itself an
    estimate from 1,000 rows, 4 · √(p(1 − p)/1,000) ≤ 0.064."""
    rng = np.random.default_rng(8)
    side = rng.integers(0, 2, N)
    codes = (rng.random(N) < np.where(side, 0.8, 0.25)).astype(int)
    tree = grown(side[None, :], codes)
    context = np.repeat([0, 1], 4_000).astype(np.uint8)[:, None]
    drawn = draws(tree, context)
    assert drawn[:4_000].mean() == pytest.approx(0.25, abs=0.1)
    assert drawn[4_000:].mean() == pytest.approx(0.8, abs=0.1)


def test_the_same_seed_draws_the_same_codes() -> None:
    rng = np.random.default_rng(9)
    tree = grown(rng.integers(0, 2, (1, N)), rng.integers(0, 9, N))
    context = np.ones((500, 1), np.uint8)
    assert np.array_equal(draws(tree, context, 3), draws(tree, context, 3))
    assert not np.array_equal(draws(tree, context, 3), draws(tree, context, 4))
