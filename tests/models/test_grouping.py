"""Hidden types of parents: profiles, spectral factors, shares of variance, clusters."""

import numpy as np
import pytest

from dbclone.models.grouping import MOST_TYPES, cluster, group_means, indicators, mid_ranks, profile, spectral, traits


def agreement(types: np.ndarray, truth: np.ndarray) -> float:
    """Share of members whose type's majority is their own truth."""
    joint = np.bincount(types * (truth.max() + 1) + truth, minlength=(types.max() + 1) * (truth.max() + 1))
    return float(joint.reshape(types.max() + 1, -1).max(axis=1).sum() / len(truth))


def test_mid_ranks_are_those_of_the_formula_and_null_stands_in_the_middle() -> None:
    assert mid_ranks(np.array([10.0, 20.0, 20.0, 30.0])).tolist() == [0.125, 0.5, 0.5, 0.875]
    assert mid_ranks(np.array([5.0, np.nan]))[1] == 0.5
    assert len(mid_ranks(np.zeros(0))) == 0


def test_a_parent_without_children_stands_where_all_together_stand() -> None:
    rng = np.random.default_rng(0)
    parent = rng.integers(0, 50, 1_000)
    codes = (parent % 2).astype(np.int32)
    found = profile(parent, 51, [codes], [parent * 1.0]).parents
    assert found[50] == pytest.approx(np.zeros(found.shape[1]), abs=1e-9)


def test_profiles_separate_parents_whose_children_differ() -> None:
    rng = np.random.default_rng(1)
    parent = rng.integers(-1, 100, 3_000)
    kind = np.where(parent % 2 == 1, 0.8, 0.2)
    found = profile(parent, 100, [(rng.random(3_000) < kind).astype(np.int32)], []).parents
    side = found[:, np.abs(found).max(axis=0).argmax()]
    assert np.sign(np.median(side[1::2])) != np.sign(np.median(side[0::2]))


def test_a_profile_over_few_children_counts_less() -> None:
    parent = np.concatenate([np.zeros(2), np.ones(200), np.arange(2, 400)]).astype(np.int64)
    numbers = np.concatenate([np.full(202, 10.0), np.random.default_rng(2).normal(0, 1, 398)])
    found = profile(parent, 400, [], [numbers]).parents[:, 0]
    assert 0 < abs(found[0]) < abs(found[1])


def test_spectral_factors_recover_planted_blocks() -> None:
    """Two blocks of 60 × 40; nine of ten rows stay in their block."""
    rng = np.random.default_rng(3)
    left = rng.integers(0, 120, 4_000)
    stays = rng.random(4_000) < 0.9
    right = np.where((left < 60) == stays, rng.integers(0, 40, 4_000), rng.integers(40, 80, 4_000))
    a, b = spectral(left, right, 120, 80)
    assert agreement((a[:, 0] > 0).astype(int), (np.arange(120) < 60).astype(int)) > 0.95
    assert agreement((b[:, 0] > 0).astype(int), (np.arange(80) < 40).astype(int)) > 0.95


def test_spectral_factors_do_not_depend_on_chance_or_on_rows_without_parent() -> None:
    rng = np.random.default_rng(4)
    left, right = rng.integers(0, 50, 1_000), rng.integers(0, 30, 1_000)
    first = spectral(left, right, 50, 30)
    missing = spectral(np.append(left, [-1, 3]), np.append(right, [3, -1]), 50, 30)
    for x, y in zip(first, missing, strict=True):
        assert x == pytest.approx(y, abs=1e-6)


@pytest.mark.parametrize(("lefts", "rights", "n"), [(2, 50, 200), (50, 2, 200), (50, 50, 10), (0, 0, 0)])
def test_where_there_is_nothing_to_factorise_there_are_no_factors(lefts: int, rights: int, n: int) -> None:
    rng = np.random.default_rng(5)
    left, right = rng.integers(0, max(lefts, 1), n), rng.integers(0, max(rights, 1), n)
    a, b = spectral(left, right, lefts, rights)
    assert a.shape == (lefts, 0)
    assert b.shape == (rights, 0)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_the_share_of_variance_between_groups_is_estimated_without_bias(share: float) -> None:
    """400 groups of 10: its standard error is about (1 − s)(1 + 9s)√(2/(10 · 9 · 400)) ≤ 0.02: four are 0.09."""
    rng = np.random.default_rng(6)
    group = np.repeat(np.arange(400), 10)
    numbers = np.sqrt(share) * rng.normal(size=400)[group] + np.sqrt(1 - share) * rng.normal(size=4_000)
    assert group_means(numbers, group, 400)[1] == pytest.approx(share, abs=0.09)


def test_means_of_groups_leave_null_out_and_are_missing_where_a_group_is_empty() -> None:
    means, share = group_means(np.array([1.0, 3.0, np.nan, 8.0, np.nan]), np.array([0, 0, 0, 2, 3]), 5)
    assert np.array_equal(means, [2.0, np.nan, 8.0, np.nan, np.nan], equal_nan=True)
    assert share == 0


def test_indicators_are_those_of_the_most_frequent_codes() -> None:
    found = indicators(np.array([2, 2, 2, 0, 0, 1]), most=2)
    assert [column.tolist() for column in found] == [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0]]


def test_clusters_separate_planted_ones() -> None:
    rng = np.random.default_rng(7)
    truth = np.repeat([0, 1, 2], 100)
    centres = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
    types = cluster(centres[truth] + rng.normal(size=(300, 2)), np.full(300, 5)).types
    assert agreement(types, truth) > 0.98


def test_types_are_numbered_without_gaps_and_never_too_many() -> None:
    rng = np.random.default_rng(8)
    types = cluster(rng.normal(size=(3_000, 4)), rng.integers(0, 9, 3_000)).types
    assert set(types.tolist()) == set(range(types.max() + 1))
    assert 2 <= types.max() + 1 <= MOST_TYPES


@pytest.mark.parametrize(
    ("profiles", "children"),
    [
        (np.zeros((0, 3)), np.zeros(0)),
        (np.ones((5, 3)), np.ones(5)),
        (np.ones((100, 0)), np.ones(100)),
        (np.ones((100, 2)), np.zeros(100)),
    ],
)
def test_where_nothing_can_be_told_apart_there_is_one_type(profiles: np.ndarray, children: np.ndarray) -> None:
    types = cluster(profiles, children).types
    assert len(types) == len(profiles)
    assert not types.any()


@pytest.mark.filterwarnings("ignore")
def test_parents_all_alike_are_of_one_type() -> None:
    assert not cluster(np.ones((100, 2)), np.ones(100)).types.any()


def test_the_same_profiles_have_the_same_types_each_time() -> None:
    profiles = np.random.default_rng(9).normal(size=(500, 3))
    assert np.array_equal(cluster(profiles, np.ones(500)).types, cluster(profiles, np.ones(500)).types)


def test_traits_on_which_families_agree_weigh_most() -> None:
    rng = np.random.default_rng(10)
    agreed, noise = np.arange(200.0) // 20, np.tile(rng.normal(size=20), 10)
    family = np.repeat(np.arange(300), 8)
    chosen = (family % 10) * 20 + rng.integers(0, 20, len(family))
    found = traits([agreed, noise], 200, chosen, family, 0.15)
    assert found[:, 0].std() == pytest.approx(1, abs=0.1)
    assert found[:, 1].std() == pytest.approx(0.15, abs=0.05)


def test_traits_of_parents_that_no_row_chooses_are_standardised_by_themselves() -> None:
    found = traits([np.arange(10.0)], 10, np.full(5, -1), np.arange(5), 0.5)
    assert np.isfinite(found).all()
