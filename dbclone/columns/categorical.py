"""Columns that repeat a limited set of values: labels, flags, codes.  Booleans are categories of two.

A level that fewer than k entities hold never leaves.  Rare numbers and dates become the nearest kept level.  Rare texts
are pooled, k entities or more to a pool, and each pool gets as many invented strings in their style as it had levels;
where they are too few for a pool, or not worth inventing, their rows take kept levels by frequency.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.base import NULL, contiguous, entity_counts
from dbclone.columns.soundness import require, require_vectors
from dbclone.columns.text import rare_levels

_WORTH = 0.02
"""Share of rows with rare levels from which they are worth inventing: below, nobody misses them."""
_SHORT = 3
"""Mean length up to which texts are codes that mean something: an invented one would mean nothing."""
_ROUNDS = 3


@dataclass(frozen=True)
class _Style:
    """What invented levels must keep to."""

    k: int
    max_length: int | None
    private: frozenset[str]


@dataclass(frozen=True)
class CategoricalCodec:
    """Code i is the i-th kept level (most frequent first); then come the pools of invented levels."""

    levels: pa.Array
    """Kept levels, then the invented ones of each pool."""
    weights: np.ndarray
    """Rows of each kept level and of each pool, float64[size − 1]."""
    pools: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Number of invented levels of each pool, int64[pools]."""
    rare: tuple[int, int] = (0, 0)
    """How many levels of the source are not stored, and how many rows held them."""
    _rare: pa.Array | None = field(init=False, repr=False, compare=False, default=None)
    _pool: np.ndarray | None = field(init=False, repr=False, compare=False, default=None)
    """The source's rare levels and the code each counts as: known while the model is fitted, in no model file."""

    def __post_init__(self) -> None:
        """ValueError if a code could have no level."""
        require_vectors("a set of levels", "f", self.weights)
        require_vectors("a set of levels", "i", self.pools)
        kept = len(self.weights) - len(self.pools)
        require(kept >= 0 and (self.pools > 0).all() and (self.weights >= 0).all(), "a set of levels")
        require(len(self.levels) == kept + self.pools.sum(), "a set of levels")

    @classmethod
    def fit(
        cls,
        values: pa.ChunkedArray | pa.Array,
        k: int = 1,
        entities: np.ndarray | None = None,
        public: frozenset[str] = frozenset(),
        max_length: int | None = None,
        *,
        private: frozenset[str] = frozenset(),
    ) -> CategoricalCodec:
        """Learn the levels.  ``entities`` (int64[n]) says whose row each is; None: each its own.

        ``public`` are values that the schema itself names: they are kept however rare.  ``private`` are words that no
        invented level may hold.
        """
        encoded = contiguous(contiguous(values).dictionary_encode())
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
        counts = np.bincount(codes, minlength=len(encoded.dictionary) + 1)[1:]
        held = entity_counts(codes, len(counts) + 1, entities)[1:] if k > 1 else counts
        order = np.argsort(-counts, kind="stable")
        kept = held >= k
        if pa.types.is_boolean(encoded.dictionary.type):
            kept[:] = True
        elif public and not kept.all():
            kept |= np.array([str(v) in public for v in encoded.dictionary.to_pylist()], dtype=bool)
        common, rare = order[kept[order]], order[~kept[order]]
        codec = cls(
            encoded.dictionary.take(pa.array(common)),
            counts[common].astype(np.float64),
            rare=(len(rare), int(counts[rare].sum())),
        )
        if not len(rare):
            return codec
        style = _Style(k, max_length, private)
        return codec._with_rare(encoded.dictionary, rare, (counts, held, _someone(codes, entities)), style)

    def _with_rare(
        self, values: pa.Array, rare: np.ndarray, counts: tuple[np.ndarray, ...], style: _Style
    ) -> CategoricalCodec:
        """The codec with a place for each rare level."""
        levels = values.take(pa.array(rare))
        if pa.types.is_string(values.type):
            return self._with_pools(values, rare, counts, style)
        return self._placed(levels, _nearest(self.levels, levels))

    def _with_pools(
        self, values: pa.Array, rare: np.ndarray, counts: tuple[np.ndarray, ...], style: _Style
    ) -> CategoricalCodec:
        k = style.k
        rows, held = counts[0][rare], counts[1][rare]
        levels = values.take(pa.array(rare))
        long = (pc.mean(pc.utf8_length(levels)).as_py() or 0) > _SHORT
        if held.sum() < k or (len(self.levels) and (rows.sum() < _WORTH * counts[0].sum() or not long)):
            return self
        pool = np.minimum((np.cumsum(held) - held) // k, max(held.sum() // k - 1, 0))
        pool = np.unique(pool, return_inverse=True)[1].astype(np.int64)
        holder = counts[2][rare] if len(counts[2]) else None
        invented = _invented(values, levels, (rows, holder), style)
        pool_size = np.bincount(pool)
        if invented is None:
            return self
        made = type(self)(
            pa.concat_arrays([self.levels, invented]),
            np.append(self.weights, np.bincount(pool, weights=rows)),
            pool_size.astype(np.int64),
            self.rare,
        )
        return made._placed(levels, len(self.weights) + 1 + pool)

    def _placed(self, rare: pa.Array, codes: np.ndarray) -> CategoricalCodec:
        object.__setattr__(self, "_rare", rare)
        object.__setattr__(self, "_pool", codes.astype(np.int32))
        return self

    @property
    def size(self) -> int:
        return len(self.weights) + 1

    def encode(self, values: pa.ChunkedArray | pa.Array) -> np.ndarray:
        """int32[n]; a value that has no code is replaced by a stored one, drawn by frequency with a fixed seed."""
        flat = contiguous(values)
        kept = self.levels[: self.size - 1 - len(self.pools)]
        codes = (pc.index_in(flat, value_set=kept).fill_null(-1).to_numpy(zero_copy_only=False) + 1).astype(np.int32)
        null = flat.is_null().to_numpy(zero_copy_only=False)
        if self._rare is not None and self._pool is not None:
            at = pc.index_in(flat, value_set=self._rare).fill_null(-1).to_numpy(zero_copy_only=False)
            codes = np.where((codes == NULL) & (at >= 0), self._pool[at], codes)
        codes[null] = NULL
        strange = (codes == NULL) & ~null
        if strange.any() and self.size > 1:
            share = self.weights / self.weights.sum()
            rng = np.random.default_rng(len(self.levels))
            codes[strange] = 1 + rng.choice(self.size - 1, size=int(strange.sum()), p=share)
        return codes

    def decode(self, codes: np.ndarray, rng: np.random.Generator, unique: bool = False) -> pa.Array:
        """The levels' values; NULL for code 0.  The rows of a pool share its levels evenly."""
        kept = self.size - 1 - len(self.pools)
        at = codes.astype(np.int64) - 1
        picked = at.copy()
        starts = kept + np.cumsum(self.pools) - self.pools
        for pool in np.unique(at[at >= kept]) - kept:
            rows = rng.permutation(np.flatnonzero(at == kept + pool))
            picked[rows] = starts[pool] + np.arange(len(rows)) % self.pools[pool]
        return self.levels.take(pa.array(picked, mask=codes == NULL))


def _nearest(kept: pa.Array, rare: pa.Array) -> np.ndarray:
    """Code of the kept number or date next to each rare one; 0 where there is none."""
    if not len(kept):
        return np.zeros(len(rare), dtype=np.int64)
    there, here = _numbers(kept), _numbers(rare)
    order = np.argsort(there)
    edges = (there[order][1:] + there[order][:-1]) / 2
    nearest: np.ndarray = 1 + order[np.searchsorted(edges, here)]
    return nearest


def _numbers(values: pa.Array) -> np.ndarray:
    kind = values.type
    if pa.types.is_date32(kind):
        values = values.cast(pa.int32())
    elif pa.types.is_temporal(kind):
        values = values.cast(pa.int64())
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)):
        return np.zeros(len(values))
    return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _someone(codes: np.ndarray, entities: np.ndarray | None) -> np.ndarray:
    """One of the entities that hold each level, int64[levels]; empty where each row is an entity of its own."""
    if entities is None:
        return np.zeros(0, dtype=np.int64)
    holder = np.zeros(int(codes.max(initial=0)) + 1, dtype=np.int64)
    holder[codes] = entities
    return holder[1:]


def _invented(
    values: pa.Array, rare: pa.Array, counts: tuple[np.ndarray, np.ndarray | None], style: _Style
) -> pa.Array | None:
    """One new string for each rare one, none of which is a real value; None where no style can be made out."""
    rng = np.random.default_rng(len(values))
    k, most = style.k, style.max_length
    made = rare_levels(rare, counts[0], rng, k, most, entities=counts[1], private=style.private)
    for _ in range(_ROUNDS):
        real = pc.is_in(made, value_set=values)
        if not pc.any(real).as_py():
            return made
        fresh = rare_levels(rare, counts[0], rng, k, most, entities=counts[1], private=style.private)
        fresh = fresh.filter(pc.invert(pc.is_in(fresh, value_set=pa.concat_arrays([values, made]))))
        again = np.flatnonzero(real.to_numpy(zero_copy_only=False))[: len(fresh)]
        mask = np.zeros(len(made), dtype=bool)
        mask[again] = True
        made = pc.replace_with_mask(made, pa.array(mask), fresh[: len(again)])
    return made if not pc.any(pc.is_in(made, value_set=values)).as_py() else None
