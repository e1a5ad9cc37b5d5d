"""The k-rule: a value may leave the source only if at least k distinct entities hold it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def count_entities(rows: npt.NDArray[np.integer], entities: Ints | None) -> int:
    """Distinct entities among the given rows; ``entities`` None means that every row is an entity of its own."""
    return len(rows) if entities is None else len(np.unique(entities[rows]))
