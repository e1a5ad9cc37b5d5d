"""How often values come again: learned as frequencies of frequencies, so that no value is kept, and dealt out anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_CLASSES = 24


@dataclass(frozen=True)
class Repetition:
    """``shares[c]`` is the share of distinct values that occur 2^(c-1) < times <= 2^c; ``distinct`` that of rows."""

    distinct: float = 1.0
    shares: tuple[float, ...] = (1.0,)

    @classmethod
    def of(cls, codes: npt.NDArray[np.integer], k: int) -> Repetition:
        """From each row's value code (negative ones are passed over); classes of fewer than k values are merged."""
        present = codes[codes >= 0]
        if not len(present):
            return cls()
        times = np.unique(present, return_counts=True)[1]
        classes = np.bincount(np.minimum(np.ceil(np.log2(times)).astype(np.int64), _CLASSES - 1))
        for i in range(len(classes) - 1, 0, -1):
            if 0 < classes[i] < k:
                classes[i - 1] += classes[i]
                classes[i] = 0
        return cls(len(times) / len(present), tuple((classes / classes.sum()).tolist()))

    def deal(self, rows: int, values: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """The value number (0 … values − 1) of each row, in random order, repeating as the source's values do."""
        if values >= rows:
            return np.arange(rows, dtype=np.int64)
        classes = rng.choice(len(self.shares), size=values, p=np.array(self.shares) / sum(self.shares))
        low, high = 2 ** np.maximum(classes - 1, 0) + (classes > 0), 2**classes
        wanted = rng.integers(low, high + 1).astype(np.float64)
        extra = rng.choice(values, size=rows - values, p=wanted / wanted.sum())
        return rng.permutation(np.concatenate([np.arange(values), extra]))
