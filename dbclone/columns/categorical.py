"""Columns that repeat a limited set of values: labels, flags, codes.  Booleans are categories of two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.base import NULL, contiguous, entity_counts


@dataclass(frozen=True)
class CategoricalCodec:
    """Code i ≥ 1 is level i − 1 of ``levels`` (most frequent first).

    Levels that fewer than k entities hold are not stored: their rows take the place of stored levels, drawn by
    frequency when they are encoded, so that no rare value ever leaves.
    """

    levels: pa.Array
    weights: np.ndarray
    """Rows of each stored level, float64[len(levels)]."""

    @classmethod
    def fit(
        cls, values: pa.ChunkedArray | pa.Array, k: int = 1, entities: np.ndarray | None = None
    ) -> CategoricalCodec:
        """Learn the levels.  ``entities`` (int64[n]) says whose row each is; None: each its own."""
        encoded = contiguous(contiguous(values).dictionary_encode())
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
        counts = np.bincount(codes, minlength=len(encoded.dictionary) + 1)[1:]
        held = entity_counts(codes, len(counts) + 1, entities)[1:] if k > 1 else counts
        order = np.argsort(-counts, kind="stable")
        kept = order[held[order] >= k]
        return cls(encoded.dictionary.take(pa.array(kept)), counts[kept].astype(np.float64))

    @property
    def size(self) -> int:
        return len(self.levels) + 1

    def encode(self, values: pa.ChunkedArray | pa.Array) -> np.ndarray:
        """int32[n]; a value that is not stored is replaced by a stored one, drawn by frequency with a fixed seed."""
        flat = contiguous(values)
        found = pc.index_in(flat, value_set=self.levels).fill_null(-1).to_numpy(zero_copy_only=False) + 1
        codes = found.astype(np.int32)
        null = flat.is_null().to_numpy(zero_copy_only=False)
        codes[null] = NULL
        strange = (codes == NULL) & ~null
        if strange.any() and len(self.levels):
            share = self.weights / self.weights.sum()
            rng = np.random.default_rng(len(self.levels))
            codes[strange] = 1 + rng.choice(len(self.levels), size=int(strange.sum()), p=share)
        return codes

    def decode(self, codes: np.ndarray, rng: np.random.Generator, unique: bool = False) -> pa.Array:
        """The levels' values; NULL for code 0."""
        return self.levels.take(pa.array(codes.astype(np.int64) - 1, mask=codes == NULL))
