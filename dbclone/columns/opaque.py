"""Types whose inside is not modelled: bytes, intervals, ranges, network addresses and whatever else a product has.

Values that at least k entities hold are kept, by frequency.  The others are made anew where the type is known, and
otherwise replaced by kept ones, by NULL, or (when neither is there) by a constant of the type or a string of the same
pattern.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns import patterns
from dbclone.columns.base import NULL, contiguous, entity_counts
from dbclone.columns.literals import Literals, literals_for
from dbclone.columns.sampling import sample, sample_rows
from dbclone.errors import PlanError
from dbclone.findings import Finding, Severity
from dbclone.privacy.protection import Ints
from dbclone.schema import SqlType, TableName, TypeFamily

_SAMPLE = 20_000
_MOST_KEPT = 200
_MOST_BUCKETS = 8
_ROUNDS = 20


@dataclass(frozen=True)
class OpaqueCodec:
    """Text as the product prints it.  Code 0 is NULL, then the kept values, then one for all values made anew."""

    type: SqlType
    nullable: bool
    kept: tuple[str, ...]
    weights: npt.NDArray[np.float64]
    """Rows of each kept value."""
    literals: Literals | None
    grammar: patterns.Grammar | None

    @classmethod
    def fit(
        cls,
        values: pa.Array | pa.ChunkedArray,
        type: SqlType,  # noqa: A002
        k: int = 1,
        entities: Ints | None = None,
        *,
        nullable: bool = True,
    ) -> OpaqueCodec:
        """Learn from at most some ten thousand values, given as text."""
        rows = sample_rows(len(values), _SAMPLE)
        texts = sample(values, _SAMPLE).cast(pa.string())
        owners = None if entities is None else entities[rows]
        kept, weights = _kept(texts, k, owners)
        literals = literals_for(type.sql, texts.drop_null().to_pylist())
        grammar = None
        if literals is None and not kept and not nullable:
            grammar = patterns.learn(texts.drop_null().to_pylist(), k, None)
        return cls(type, nullable, kept, weights, literals, grammar)

    @property
    def size(self) -> int:
        return 2 + len(self.kept)

    @property
    def invents(self) -> bool:
        """Whether values that are not kept can be made anew and be valid."""
        return self.literals is not None

    def encode(self, values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int32]:
        """The code of each value, int32[n]."""
        texts = contiguous(values).cast(pa.string())
        found = pc.index_in(texts, value_set=pa.array(self.kept, pa.string())).fill_null(-1)
        at = found.to_numpy(zero_copy_only=False)
        codes = np.where(at >= 0, 1 + at, 1 + len(self.kept)).astype(np.int32)
        codes[texts.is_null().to_numpy(zero_copy_only=False)] = NULL
        return codes

    def decode(self, codes: npt.NDArray[np.integer], rng: np.random.Generator, unique: bool = False) -> pa.Array:
        """A value for each code, as text; with ``unique`` no value twice, PlanError if too few can be made."""
        at = np.asarray(codes, dtype=np.int64)
        if not unique:
            return self._decode(at, rng)
        present = at != NULL
        made = pa.concat_arrays([self._different(int(present.sum()), rng), pa.nulls(1, pa.string())])
        return made.take(pa.array(np.where(present, np.cumsum(present) - 1, len(made) - 1)))

    def _decode(self, codes: npt.NDArray[np.int64], rng: np.random.Generator) -> pa.Array:
        new = codes == 1 + len(self.kept)
        if new.any() and self.literals is None and len(self.kept):
            share = self.weights / self.weights.sum()
            codes = np.where(new, 1 + rng.choice(len(self.kept), size=len(codes), p=share), codes)
            new = np.zeros(len(codes), dtype=bool)
        fixed = pa.array([None, *self.kept], pa.string())
        pieces = pa.concat_arrays([fixed, self._invent(int(new.sum()), rng)])
        return pieces.take(pa.array(np.where(new, len(fixed) + np.cumsum(new) - 1, codes)))

    def _invent(self, n: int, rng: np.random.Generator) -> pa.Array:
        if self.literals is not None:
            return self.literals.draw(n, rng)
        if self.type.constant:
            return pa.repeat(pa.scalar(self.type.constant), n)
        if self.grammar is not None and self.grammar.patterns:
            return self.grammar.draw(n, rng)
        return pa.nulls(n, pa.string())

    def _different(self, n: int, rng: np.random.Generator) -> pa.Array:
        known = pa.array([], pa.string()) if self.literals else pa.array(self.kept, pa.string())
        for _ in range(_ROUNDS):
            if len(known) >= n:
                return known[:n]
            known = pc.unique(pa.concat_arrays([known, self._invent(2 * n, rng).drop_null()]))
        if len(known) < n:
            raise PlanError(f"a unique column of type {self.type.sql} cannot be given {n} different values")
        return known[:n]

    def finding(self, table: TableName, column: str) -> Finding:
        """What the reader must know about this column's values."""
        if self.invents:
            how = "values are made from the type's own form"
        elif self.kept:
            how = "values that too few rows hold are replaced by frequent ones"
        elif self.nullable:
            how = "values become NULL"
        elif self.type.constant:
            how = "all values are one constant of the type"
        else:
            how = "values are made from their pattern and may not be valid"
        message = f"{table}.{column}: type {self.type.sql} is not modelled; {how}"
        return Finding(Severity.NOTE if self.invents else Severity.WARNING, "type-fallback", table, (column,), message)


@dataclass(frozen=True)
class BytesCodec:
    """Binary values: code 0 is NULL, then buckets of lengths; the bytes themselves are random."""

    edges: npt.NDArray[np.int64]
    """Greatest length of each bucket but the last one."""
    lowest: npt.NDArray[np.int64]
    highest: npt.NDArray[np.int64]
    max_length: int | None = None

    @classmethod
    def fit(
        cls,
        values: pa.Array | pa.ChunkedArray,
        type: SqlType,  # noqa: A002
        k: int = 1,
        entities: Ints | None = None,
    ) -> BytesCodec:
        """Learn the lengths; no byte is kept, so ``k`` only keeps buckets from being too small."""
        lengths = pc.binary_length(contiguous(values)).drop_null().to_numpy(zero_copy_only=False).astype(np.int64)
        steps = min(_MOST_BUCKETS, max(len(lengths) // max(4 * k, 4), 1))
        if not len(lengths):
            lengths = np.zeros(1, dtype=np.int64)
        edges = np.unique(np.quantile(lengths, np.arange(1, steps) / steps).astype(np.int64))
        bucket = np.searchsorted(edges, lengths)
        parts = [lengths[bucket == b] if np.any(bucket == b) else lengths for b in range(len(edges) + 1)]
        low = np.array([np.quantile(part, 0.05) for part in parts]).astype(np.int64)
        high = np.array([np.quantile(part, 0.95) for part in parts]).astype(np.int64)
        return cls(edges, low, high, type.length)

    @property
    def size(self) -> int:
        return 2 + len(self.edges)

    def encode(self, values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int32]:
        """The bucket of each value, int32[n]."""
        lengths = pc.binary_length(contiguous(values))
        bucket = np.searchsorted(self.edges, lengths.fill_null(0).to_numpy(zero_copy_only=False))
        codes: npt.NDArray[np.int32] = (1 + bucket).astype(np.int32)
        codes[lengths.is_null().to_numpy(zero_copy_only=False)] = NULL
        return codes

    def decode(self, codes: npt.NDArray[np.integer], rng: np.random.Generator, unique: bool = False) -> pa.Array:
        """Random bytes for each code; with ``unique`` all different: at least as long as their number demands."""
        at = np.maximum(np.asarray(codes, dtype=np.int64) - 1, 0)
        lengths = rng.integers(self.lowest[at], self.highest[at] + 1)
        tail = (max(len(at) - 1, 1).bit_length() + 7) // 8
        if unique:
            if self.max_length is not None and tail > self.max_length:
                raise PlanError(
                    f"a unique column of {self.max_length} bytes cannot be given {len(at)} different values"
                )
            lengths = np.maximum(lengths, tail)
        null = np.asarray(codes) == NULL
        lengths = np.where(null, 0, lengths)
        raw = rng.bytes(int(lengths.sum()))
        ends = np.cumsum(lengths)
        cut = [raw[end - length : end] for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)]
        if unique:
            cut = [piece[tail:] + i.to_bytes(tail) for i, piece in enumerate(cut)]
        return pa.array(cut, pa.binary(), mask=null)


OpaqueLike = OpaqueCodec | BytesCodec


def fit_opaque(
    values: pa.Array | pa.ChunkedArray,
    type: SqlType,  # noqa: A002
    k: int = 1,
    entities: Ints | None = None,
    *,
    nullable: bool = True,
) -> OpaqueLike:
    """The codec for a column of kind 'opaque'."""
    if type.family is TypeFamily.BYTES:
        return BytesCodec.fit(values, type, k, entities)
    return OpaqueCodec.fit(values, type, k, entities, nullable=nullable)


def _kept(texts: pa.Array, k: int, entities: Ints | None) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    encoded = texts.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
    rows = np.bincount(codes, minlength=len(encoded.dictionary) + 1)[1:]
    held = entity_counts(codes, len(rows) + 1, entities)[1:]
    order = [int(i) for i in np.argsort(-rows, kind="stable")[:_MOST_KEPT] if held[i] >= max(k, 2)]
    return tuple(encoded.dictionary[i].as_py() for i in order), rows[order].astype(np.float64)
