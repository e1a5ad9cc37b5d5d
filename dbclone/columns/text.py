"""Free text, titles and codes of many values: integer codes for their shape, new strings of the same shape back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns import dated_text, patterns, wording, wording_learning
from dbclone.columns.base import NULL, contiguous, entity_counts
from dbclone.columns.sampling import sample, sample_rows
from dbclone.columns.uniqueness import limited, make_unique
from dbclone.privacy.private_words import tells
from dbclone.privacy.protection import Ints

_SAMPLE = 20_000
_MOST_KEPT = 24
_MOST_BUCKETS = 12
_KNOTS = 17
_CODE = re.compile(r"(?!.*(?:://|%[0-9A-F]{2}))(?=.*\d)\S{1,64}|[\d\W]{4,40}|[A-Z0-9]{1,3}")
_CODE_LIKE = 0.85
EMPTY = 1


@dataclass(frozen=True)
class TextCodec:
    """Code 0 is NULL, 1 the empty string, then the kept strings, then the shapes.

    A shape is a bucket of lengths (words), a pattern (codes) or a span of time (dates).  ``kept`` are whole strings
    that at least k entities hold; everything else is made anew.
    """

    kept: tuple[str, ...]
    edges: npt.NDArray[np.int64]
    """Greatest length of each bucket but the last one."""
    sizes: npt.NDArray[np.int64]
    """Per bucket, quantiles of the number of words at equal steps; shape (buckets, knots)."""
    weights: npt.NDArray[np.float64]
    """Rows of each shape in the sample."""
    chain: wording.Chain | None
    grammar: patterns.Grammar = field(default_factory=lambda: patterns.Grammar(()))
    max_length: int | None = None
    dates: dated_text.DatedText | None = None
    """For texts that are dates: then a shape is a span of time."""

    @classmethod
    def fit(
        cls,
        values: pa.Array | pa.ChunkedArray,
        k: int = 1,
        entities: Ints | None = None,
        max_length: int | None = None,
        private: frozenset[str] = frozenset(),
    ) -> TextCodec:
        """Learn from at most some ten thousand rows.  ``entities`` (int64[n]) says whose row each is; None: its own.

        ``private`` are the words of personal data: they are rare ones, whoever shares them.
        """
        rows = sample_rows(len(values), _SAMPLE)
        texts = sample(values, _SAMPLE)
        owners = None if entities is None else entities[rows]
        kept = tuple(text for text in _kept(texts, k, owners) if not tells(text, private))
        chosen = pc.fill_null(pc.and_(pc.is_valid(texts), pc.not_equal(texts, "")), False)
        chosen = pc.and_(chosen, pc.invert(pc.is_in(texts, value_set=pa.array(kept, pa.string()))))
        mask = chosen.to_numpy(zero_copy_only=False)
        strings = texts.filter(chosen).to_pylist()
        owners = None if owners is None else owners[mask]
        if (dates := dated_text.learn(strings, k)) is not None:
            return cls._of_dates(kept, dates, max_length)
        if strings and np.mean([_CODE.fullmatch(s) is not None for s in strings]) >= _CODE_LIKE:
            return cls._of_codes(kept, patterns.learn(strings, k, owners), max_length)
        return cls._of_words(kept, strings, wording_learning.learn(strings, k, owners, private=private), max_length)

    @classmethod
    def _of_dates(cls, kept: tuple[str, ...], dates: dated_text.DatedText, max_length: int | None) -> TextCodec:
        none = np.zeros(0, dtype=np.int64)
        spans = np.ones(dates.size, dtype=np.float64)
        return cls(kept, none, np.zeros((0, _KNOTS), dtype=np.int64), spans, None, max_length=max_length, dates=dates)

    @classmethod
    def _of_codes(cls, kept: tuple[str, ...], grammar: patterns.Grammar, max_length: int | None) -> TextCodec:
        weights = np.array([p.weight for p in grammar.patterns], dtype=np.float64)
        none = np.zeros(0, dtype=np.int64)
        return cls(kept, none, np.zeros((0, _KNOTS), dtype=np.int64), weights, None, grammar, max_length)

    @classmethod
    def _of_words(
        cls, kept: tuple[str, ...], strings: list[str], chain: wording.Chain, max_length: int | None
    ) -> TextCodec:
        lengths = np.array([len(s) for s in strings], dtype=np.int64)
        steps = min(_MOST_BUCKETS, max(len(strings) // 20, 1))
        edges = np.unique(np.quantile(lengths, np.arange(1, steps) / steps).astype(np.int64)) if strings else lengths
        bucket = np.searchsorted(edges, lengths)
        words = np.array([len(wording_learning.tokenise(s)) - 1 for s in strings], dtype=np.int64)
        at = np.linspace(0, 1, _KNOTS)
        parts = [words[bucket == b] for b in range(len(edges) + 1)]
        sizes = [np.quantile(part, at) if len(part) else np.ones(_KNOTS) for part in parts]
        weights = np.bincount(bucket, minlength=len(edges) + 1).astype(np.float64)
        return cls(kept, edges, np.rint(np.array(sizes)).astype(np.int64), weights, chain, max_length=max_length)

    @property
    def size(self) -> int:
        return self._first_shape + max(len(self.weights), 1)

    @property
    def _first_shape(self) -> int:
        return EMPTY + 1 + len(self.kept)

    def encode(self, values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int32]:
        """The code of each string, int32[n]; a pattern never seen counts as the most frequent one."""
        texts = contiguous(values)
        shapes = self._shapes(texts)
        kept = (
            pc.index_in(texts, value_set=pa.array(self.kept, pa.string())).fill_null(-1).to_numpy(zero_copy_only=False)
        )
        codes = np.where(kept >= 0, EMPTY + 1 + kept, self._first_shape + shapes).astype(np.int32)
        codes[pc.fill_null(pc.equal(texts, ""), False).to_numpy(zero_copy_only=False)] = EMPTY
        codes[texts.is_null().to_numpy(zero_copy_only=False)] = NULL
        return codes

    def _shapes(self, texts: pa.Array) -> npt.NDArray[np.int64]:
        if self.dates is not None:
            return self.dates.bucket(texts)
        return self._pattern_of(texts) if self.chain is None else self._bucket_of(texts)

    def _bucket_of(self, texts: pa.Array) -> npt.NDArray[np.int64]:
        lengths = pc.utf8_length(texts).fill_null(0).to_numpy(zero_copy_only=False)
        found: npt.NDArray[np.int64] = np.searchsorted(self.edges, lengths).astype(np.int64)
        return found

    def _pattern_of(self, texts: pa.Array) -> npt.NDArray[np.int64]:
        marks = pc.replace_substring_regex(texts, r"\d+", "9")
        marks = pc.replace_substring_regex(marks, r"\p{L}+", "A")
        known = pa.array([p.skeleton for p in self.grammar.patterns], pa.string())
        found: npt.NDArray[np.int64] = pc.index_in(marks, value_set=known).fill_null(0).to_numpy(zero_copy_only=False)
        return found

    def decode(self, codes: npt.NDArray[np.integer], rng: np.random.Generator, unique: bool = False) -> pa.Array:
        """A string for each code; with ``unique`` no string twice (NULLs excepted), PlanError if that cannot be."""
        shapes = np.asarray(codes, dtype=np.int64) - self._first_shape
        fixed = pa.array([None, "", *self.kept], pa.string())
        known = shapes < 0
        if unique:
            known = np.asarray(codes) == NULL
            shapes = np.where(shapes < 0, self._any_shape(len(shapes), rng), shapes)
        made = self._make(np.maximum(shapes[~known], 0), rng)
        pieces = pa.concat_arrays([fixed, made])
        at = np.where(known, codes, len(fixed) + np.cumsum(~known) - 1)
        texts = limited(pieces.take(pa.array(at)), self.max_length)
        if not unique:
            return texts
        return make_unique(texts, lambda rows: self._make(np.maximum(shapes[rows], 0), rng), self.max_length)

    def _any_shape(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        if not len(self.weights):
            return np.zeros(n, dtype=np.int64)
        total = max(self.weights.sum(), 1e-9)
        return rng.choice(len(self.weights), size=n, p=self.weights / total) if self.weights.sum() else np.zeros(n, int)

    def _make(self, shapes: npt.NDArray[np.int64], rng: np.random.Generator) -> pa.Array:
        if self.dates is not None:
            return self.dates.draw(np.minimum(shapes, self.dates.size - 1), rng)
        if self.chain is None:
            return self.grammar.draw_as(np.minimum(shapes, len(self.grammar.patterns) - 1), rng)
        at = rng.random(len(shapes)) * (_KNOTS - 1)
        low = at.astype(np.int64)
        sizes = self.sizes[np.minimum(shapes, len(self.sizes) - 1)]
        rows = np.arange(len(shapes))
        between = sizes[rows, low] + (at - low) * (sizes[rows, np.minimum(low + 1, _KNOTS - 1)] - sizes[rows, low])
        return self.chain.write(np.rint(between).astype(np.int64), rng)


def rare_levels(
    values: pa.Array,
    counts: npt.NDArray[np.integer],
    rng: np.random.Generator,
    k: int = 5,
    max_length: int | None = None,
    *,
    entities: Ints | None = None,
    private: frozenset[str] = frozenset(),
) -> pa.Array:
    """As many new strings as ``values`` has (distinct, rare ones), in their style, all different.

    ``counts`` (how often each occurs) makes frequent ones weigh more; the i-th new string takes the i-th one's place.
    ``entities`` (int64[n]) says who holds each, or one of those who do.
    """
    codec = TextCodec.fit(values, k, entities, max_length, private)
    weights = np.asarray(counts, dtype=np.float64)
    codes = codec.encode(values)
    if weights.sum() > 0:
        codes = codes[rng.choice(len(codes), size=len(codes), p=weights / weights.sum())]
    return codec.decode(codes, rng, unique=True)


def _kept(texts: pa.Array, k: int, entities: Ints | None) -> tuple[str, ...]:
    """Repeated strings that at least k entities hold, the most frequent first."""
    encoded = texts.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
    rows = np.bincount(codes, minlength=len(encoded.dictionary) + 1)[1:]
    held = entity_counts(codes, len(rows) + 1, entities)[1:]
    order = np.argsort(-rows, kind="stable")[: _MOST_KEPT + 1]
    kept = [encoded.dictionary[int(i)].as_py() for i in order if held[i] >= max(k, 2) and rows[i] >= 0.002 * len(texts)]
    return tuple(text for text in kept if text)[:_MOST_KEPT]
