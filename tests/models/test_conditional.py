"""One column given what is drawn before it: bytes are screened, many levels become few classes, codes stay fine."""

import numpy as np
import pytest

from dbclone.models.conditional import MOST_FEATURES, Seen, fit_conditional, information, screen
from dbclone.models.tree import FOLDS, Tree
from dbclone.privacy.protection import UNGUARDED, Guard
from tests.models.drawn import draws

N = 4_000


def fitted(features: np.ndarray, codes: np.ndarray, rising: bool, visible: np.ndarray | None = None) -> Tree:
    visible = np.ones(len(features), dtype=bool) if visible is None else visible
    seen = Seen(np.ascontiguousarray(features.astype(np.uint8)), np.ones(len(features), dtype=bool), visible)
    fold = np.random.default_rng(0).integers(FOLDS, size=len(codes), dtype=np.uint8)
    return fit_conditional(seen, codes.astype(np.int32), fold, rising)


def test_information_is_that_of_the_formula() -> None:
    """A fair byte that says the class: ln 2, less the bias (2 − 1)(2 − 1)/2n."""
    classes = np.tile([0, 1], 500).astype(np.uint8)
    noise = np.repeat([0, 1], 500).astype(np.uint8)
    told = information(np.array([classes, noise]), classes, 2)
    assert told == pytest.approx([np.log(2) - 1 / 2_000, -1 / 2_000])


def test_screening_keeps_what_tells_most_and_nothing_hidden_or_constant() -> None:
    rng = np.random.default_rng(1)
    classes = rng.integers(0, 5, N).astype(np.uint8)
    features = rng.integers(0, 50, (100, N)).astype(np.uint8)
    features[[7, 93]] = classes
    features[50] = 9
    visible = np.ones(100, dtype=bool)
    visible[93] = False
    chosen = screen(Seen(features, np.ones(100, dtype=bool), visible), classes, 5)
    assert len(chosen) == MOST_FEATURES
    assert 7 in chosen
    assert 93 not in chosen
    assert 50 not in chosen
    assert np.all(np.diff(chosen) > 0)


def test_a_hidden_byte_is_never_looked_at() -> None:
    codes = np.random.default_rng(2).integers(0, 3, N)
    features = np.array([codes, codes])
    tree = fitted(features, codes, False, np.array([False, True]))
    assert set(tree.feature[tree.feature >= 0].tolist()) == {1}
    assert len(fitted(features, codes, False, np.array([False, False])).feature) == 1


def test_hundreds_of_rising_codes_stay_fine_in_the_leaves() -> None:
    """Codes 1 … 300 follow a byte with a spread of 5: draws at byte b are b ± 5, not b ± a class of 10."""
    rng = np.random.default_rng(3)
    level = rng.integers(0, 250, N)
    codes = np.clip(level + rng.integers(-5, 6, N), 0, 249) + 1
    tree = fitted(level[None, :], codes, True)
    assert len(set(tree.codes.tolist())) == len(set(codes.tolist()))
    context = rng.integers(0, 250, 2_000).astype(np.uint8)
    error = draws(tree, context[:, None]).astype(float) - context - 1
    assert abs(np.median(error)) <= 2
    assert np.mean(np.abs(error) <= 15) > 0.9


def test_hundreds_of_unordered_levels_go_with_what_they_went_with() -> None:
    """400 levels, each of one of two kinds in no order of the codes: draws keep to the kind that is asked for."""
    rng = np.random.default_rng(4)
    kind_of = rng.permutation(np.repeat([0, 1], 200))
    codes = rng.integers(0, 400, 3 * N)
    tree = fitted(kind_of[codes][None, :], codes + 1, False)
    context = np.tile([0, 1], 1_000).astype(np.uint8)
    drawn = draws(tree, context[:, None]) - 1
    assert np.mean(kind_of[drawn] == context) > 0.95


def test_null_is_a_class_of_its_own() -> None:
    rng = np.random.default_rng(5)
    missing = rng.integers(0, 2, N)
    codes = np.where(missing == 1, 0, rng.integers(1, 200, N))
    tree = fitted(missing[None, :], codes, True)
    drawn = draws(tree, np.tile([0, 1], 500).astype(np.uint8)[:, None])
    assert (drawn[0::2] > 0).mean() > 0.98
    assert (drawn[1::2] == 0).mean() > 0.98


@pytest.mark.parametrize("rising", [True, False])
@pytest.mark.parametrize("n", [0, 1, 15])
def test_few_rows_are_enough(n: int, rising: bool) -> None:
    codes = np.arange(n) * 40
    tree = fitted(np.arange(n)[None, :], codes, rising)
    assert sorted(tree.codes.tolist()) == codes.tolist()


def test_no_node_holds_fewer_than_five_entities_however_many_rows_they_have() -> None:
    """The code says whose a row is, and a byte tells it: without a guard every entity would have a leaf of its own."""
    entities = np.repeat(np.arange(60), 50)
    features = (entities * 4)[None, :].astype(np.uint8)
    seen = Seen(np.ascontiguousarray(features), np.ones(1, dtype=bool), np.ones(1, dtype=bool))
    fold = np.random.default_rng(0).integers(FOLDS, size=len(entities), dtype=np.uint8)
    for guard in (Guard(5, entities), UNGUARDED):
        tree = fit_conditional(seen, (entities + 1).astype(np.int32), fold, True, guard)
        held = [len(np.unique(tree.codes[a:b])) for a, b in zip(tree.start, tree.end, strict=True)]
        assert (min(held) >= 5) == guard.on
        assert len(held) > 5
