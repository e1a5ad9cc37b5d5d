"""The classifier two-sample test: can gradient-boosted trees tell real rows from synthetic ones?

Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017.  The score is the accuracy of XGBoost with its
default settings over five folds: 0.5 means that nothing tells them apart, 1 that everything does.  Well below 0.5 means
that synthetic rows are near-copies of real ones: each finds its twin, with the other label, in the training set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dbclone.errors import MissingExtraError
from dbclone.fidelity_folds import FOLDS, Folds, in_fold, outside_fold
from dbclone.fidelity_frames import Floats, encode

MIN_ROWS = 10
MIN_TRAINING = 20
_TREES = 100
_SEED = 42

Ints = npt.NDArray[np.int64]


def check_extra() -> None:
    """Raise MissingExtraError unless the classifier is installed."""
    # Spinning threads of two processes on the same cores slow each other down twentyfold; read at import.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import xgboost  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "Comparing needs the optional dependency XGBoost: install it with pip install 'dbclone[compare]'"
        ) from error


def two_sample_accuracy(
    real: pa.Table, clone: pa.Table, max_rows: int, folds: tuple[Folds, Folds] | None = None
) -> float | None:
    """The accuracy on equally many rows of both; None if there are too few rows or nothing to see in them.

    ``folds``: per side those of ``parent_folds``; without them rows are independent and folds are drawn by chance.
    """
    size = min(real.num_rows, clone.num_rows, max_rows)
    if size < MIN_ROWS or not real.num_columns:
        return None
    chosen = [np.random.default_rng(_SEED + i).permutation(t.num_rows)[:size] for i, t in enumerate((real, clone))]
    features = np.concatenate(encode(real.take(pa.array(chosen[0])), clone.take(pa.array(chosen[1]))))
    if not features.shape[1]:
        return None
    is_real = np.repeat([1.0, 0.0], size)
    if folds is None:
        splits = _independent_splits(size)
    else:
        splits = _grouped_splits(np.concatenate([folds[i][chosen[i]] for i in (0, 1)]), is_real)
    hits = [hit for train, test in splits for hit in _hits(features, is_real, train, test)]
    return float(np.mean(hits)) if len(hits) >= MIN_ROWS else None


def _independent_splits(size: int) -> Iterator[tuple[Ints, Ints]]:
    rng = np.random.default_rng(_SEED)
    fold = np.concatenate([rng.permutation(np.arange(size) % FOLDS) for _ in range(2)])
    for i in range(FOLDS):
        yield rng.permutation(np.flatnonzero(fold != i)), np.flatnonzero(fold == i)


def _grouped_splits(folds: Folds, is_real: Floats) -> Iterator[tuple[Ints, Ints]]:
    """Parts are balanced, as many real as synthetic rows: else guessing would not score one half."""
    rng = np.random.default_rng(_SEED)

    def balanced(mask: npt.NDArray[np.bool_]) -> Ints:
        sides = [rng.permutation(np.flatnonzero(mask & (is_real == side))) for side in (0, 1)]
        size = min(len(side) for side in sides)
        return np.concatenate([side[:size] for side in sides])

    for fold in range(FOLDS):
        train, test = balanced(outside_fold(folds, fold)), balanced(in_fold(folds, fold))
        if len(train) >= MIN_TRAINING and len(test):
            yield train, test


def _hits(features: Floats, is_real: Floats, train: Ints, test: Ints) -> npt.NDArray[np.bool_]:
    import xgboost

    known = xgboost.DMatrix(features[train], label=is_real[train])
    trees = xgboost.train({"objective": "binary:logistic", "seed": 0, "nthread": os.cpu_count()}, known, _TREES)
    return np.asarray((trees.predict(xgboost.DMatrix(features[test])) > 0.5) == (is_real[test] == 1))
