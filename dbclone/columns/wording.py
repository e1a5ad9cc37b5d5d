"""A guarded model of wording: a Markov chain over words of which only those that k entities use are kept.

Every other word is kept as a shape (its case and length) and comes back as a public word of that shape.  The chain goes
from word to word with what stands between them; each step to a kept word was made by at least k entities.  A string
that would consist of kept words only gets one made-up word, so that no string of the source can come back whole.
The public words were chosen not to occur in the source.  (n-gram models with rare-word replacement: Jelinek 1997.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.soundness import require, require_vectors

LONGEST = 14
_CELLS = 4_000_000
_URGE = 8.0
"""How much likelier than in the source an end is, once a string has its size."""
LITERAL, LOWER, TITLE, UPPER, DIGITS, END = range(6)
"""What the core of a symbol is: a kept word, a shape of letters in some case, a shape of digits, or the end."""


@dataclass(frozen=True)
class Chain:
    """Symbol 0 is the start.  Row c of a CSR matrix holds where context c leads, and how often."""

    separators: tuple[str, ...]
    """Per symbol: what stands before its core."""
    cores: npt.NDArray[np.int8]
    words: tuple[str, ...]
    lengths: npt.NDArray[np.int16]
    counts: npt.NDArray[np.float64]
    contexts: npt.NDArray[np.int64]
    """Per symbol: its context, the row of both matrices for what follows it."""
    pairs: npt.NDArray[np.int64]
    """Pairs of successive contexts that have a row of their own, behind the rows of the single ones; ascending, each as
    first x (number of contexts) + second."""
    steps: Transitions
    ends: Transitions
    pool: tuple[str, ...]
    """Words for shapes, shortest first."""
    numbers: npt.NDArray[np.int64]
    """Least and greatest number for a shape of digits of each length; shape (LONGEST + 1, 2)."""

    def __post_init__(self) -> None:
        """ValueError if a symbol, context or word could be missing."""
        symbols, rows = len(self.cores), len(self.steps.totals)
        require_vectors("a model of wording", "iuf", self.cores, self.lengths, self.counts, self.contexts)
        require(len(self.separators) == len(self.words) == symbols > 0, "a model of wording")
        require(((self.cores >= LITERAL) & (self.cores <= END)).all(), "a model of wording")
        require(((self.lengths >= 0) & (self.lengths <= LONGEST)).all(), "a model of wording")
        require(((self.contexts >= 0) & (self.contexts < rows)).all(), "a model of wording")
        require_vectors("a model of wording", "i", self.pairs)
        require(len(self.pairs) <= rows and len(self.ends.totals) == rows, "a model of wording")
        for transitions in (self.steps, self.ends):
            require(((transitions.targets >= 0) & (transitions.targets < symbols)).all(), "a model of wording")
        require(self.numbers.shape == (LONGEST + 1, 2) and self.numbers.dtype.kind == "i", "a model of wording")
        require((self.numbers[:, 0] <= self.numbers[:, 1]).all() and (self.numbers >= 0).all(), "a model of wording")

    def write(self, sizes: npt.NDArray[np.int64], rng: np.random.Generator) -> pa.Array:
        """One string of about so many words for each size."""
        if not len(sizes):
            return pa.array([], pa.string())
        chunk = max(_CELLS // int(sizes.max(initial=1) + 1), 1)
        parts = [self._write(sizes[i : i + chunk], rng) for i in range(0, len(sizes), chunk)]
        return pa.concat_arrays(parts)

    def _write(self, sizes: npt.NDArray[np.int64], rng: np.random.Generator) -> pa.Array:
        symbols = self._walk(sizes, rng)
        invented = self._invented(symbols, rng)
        return _Renderer(self).render(symbols, invented, rng)

    def _walk(self, sizes: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """Symbols of each string, −1 after its end.

        A string that has its size ends where the source's strings tend to end, not in the middle of a phrase.
        """
        longest = int(sizes.max()) + int(sizes.max()) // 4 + 8
        symbols = np.full((len(sizes), longest), -1, dtype=np.int32)
        alive = np.arange(len(sizes))
        context, row = np.zeros(len(sizes), dtype=np.int64), np.zeros(len(sizes), dtype=np.int64)
        for i in range(longest):
            ended = self._ends_now(row[alive], i - sizes[alive], rng)
            step = np.where(ended, -1, self.steps.draw(row[alive], rng))
            ended |= step < 0
            symbols[alive, i] = np.where(ended, self.ends.draw(row[alive], rng), step)
            alive, step = alive[~ended], step[~ended]
            if not len(alive):
                break
            row[alive] = self._row(context[alive], self.contexts[step])
            context[alive] = self.contexts[step]
        return symbols

    def _row(self, before: npt.NDArray[np.int64], context: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The row for a pair of successive contexts, or that for the second one alone."""
        if not len(self.pairs):
            return context
        single = int(self.contexts.max()) + 1
        keys = before * single + context
        at = np.minimum(np.searchsorted(self.pairs, keys), len(self.pairs) - 1)
        return np.where(self.pairs[at] == keys, single + at, context)

    def _ends_now(
        self, row: npt.NDArray[np.int64], beyond: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> npt.NDArray[np.bool_]:
        """Never before the size is reached; then with the row's own odds, raised by each word too many."""
        odds = self.ends.totals[row] * np.where(beyond < 0, 0.0, _URGE * 2.0 ** np.clip(beyond, 0, 40))
        chance = odds / np.maximum(odds + self.steps.totals[row], 1e-9)
        return rng.random(len(row)) < chance

    def _invented(self, symbols: npt.NDArray[np.int32], rng: np.random.Generator) -> npt.NDArray[np.bool_]:
        """Marks the kept word that must be replaced in strings without any made-up word: the rarest of them."""
        core = np.where(symbols >= 0, self.cores[symbols], END)
        bare = ~np.any((core >= LOWER) & (core <= UPPER), axis=1)
        marks = np.zeros(symbols.shape, dtype=bool)
        rows = np.flatnonzero(bare)
        alphabetic = np.array([bool(w) and w.isalpha() for w in self.words])
        candidates = (core[rows] == LITERAL) & alphabetic[symbols[rows]]
        weight = np.where(candidates, self.counts[symbols[rows]], np.inf)
        rarest = weight.shape[1] - 1 - np.argmin(weight[:, ::-1], axis=1)
        marks[rows, rarest] = candidates[np.arange(len(rows)), rarest]
        return marks


@dataclass(frozen=True)
class Transitions:
    starts: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int32]
    cumulative: npt.NDArray[np.float64]
    """Row number plus cumulative share: one sorted array, so that one binary search serves all rows."""
    totals: npt.NDArray[np.float64]
    """Per row, how often it was left."""

    def __post_init__(self) -> None:
        """ValueError if a row could lead outside."""
        require_vectors("steps between words", "i", self.starts)
        require_vectors("steps between words", "i", self.targets)
        require_vectors("steps between words", "f", self.cumulative)
        require_vectors("steps between words", "f", self.totals)
        starts, size = self.starts, len(self.targets)
        require(len(self.cumulative) == size and len(starts) == len(self.totals) + 1, "steps between words")
        require(starts[0] == 0 and starts[-1] == size and (np.diff(starts) >= 0).all(), "steps between words")

    @classmethod
    def of(cls, counts: dict[tuple[int, int], float], contexts: int) -> Transitions:
        keys = sorted(counts)
        rows = np.array([row for row, _ in keys], dtype=np.int64)
        weights = np.array([counts[key] for key in keys], dtype=np.float64)
        totals = np.bincount(rows, weights=weights, minlength=contexts).astype(np.float64)
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=contexts))]).astype(np.int64)
        before = np.concatenate([[0.0], np.cumsum(weights)])
        shares = (before[1:] - before[starts[rows]]) / totals[rows]
        return cls(starts, np.array([t for _, t in keys], dtype=np.int32), rows + np.minimum(shares, 1.0), totals)

    def draw(self, rows: npt.NDArray[np.integer], rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """One target for each row; −1 where the row leads nowhere."""
        if not len(self.targets):
            return np.full(len(rows), -1, dtype=np.int32)
        at = np.searchsorted(self.cumulative, rows + rng.random(len(rows)), side="right")
        at = np.minimum(at, self.starts[rows + 1] - 1)
        found: npt.NDArray[np.int32] = np.where(self.starts[rows + 1] > self.starts[rows], self.targets[at], -1)
        return found


def shape_of(core: str) -> int:
    """DIGITS, or the case of the letters."""
    if core.isdecimal():
        return DIGITS
    if core.isupper() and len(core) > 1:
        return UPPER
    return TITLE if core[:1].isupper() else LOWER


class _Renderer:
    """Turns symbols into strings: pieces are numbers into one long list of texts, joined by Arrow."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        words = pa.array(chain.pool, pa.string())
        cases = [words, pc.utf8_capitalize(words), pc.utf8_upper(words)]
        self.pieces = [pa.array(chain.separators, pa.string()), pa.array(chain.words, pa.string()), *cases]
        sizes = np.array([len(w) for w in chain.pool])
        self.first = np.searchsorted(sizes, np.arange(LONGEST + 2))
        self.symbols, self.words = len(chain.separators), len(words)

    def render(
        self, symbols: npt.NDArray[np.int32], invented: npt.NDArray[np.bool_], rng: np.random.Generator
    ) -> pa.Array:
        used = symbols >= 0
        flat = symbols[used]
        core, length = self.chain.cores[flat].astype(np.int64), self.chain.lengths[flat].astype(np.int64)
        replaced = np.flatnonzero(invented[used])
        kept = [self.chain.words[s] for s in flat[replaced]]
        core[replaced] = [shape_of(w) for w in kept]
        length[replaced] = [min(len(w), LONGEST) for w in kept]
        digits = core == DIGITS
        numbers = self._numbers(length[digits], rng)
        text = np.where(core == LITERAL, self.symbols + flat, 0)
        shaped = (core >= LOWER) & (core <= UPPER)
        text[shaped] = 2 * self.symbols + (core[shaped] - LOWER) * self.words + self._word(length[shaped], rng)
        text[digits] = 2 * self.symbols + 3 * self.words + np.arange(len(numbers))
        pairs = np.stack([flat, text], axis=1).ravel()
        offsets = np.concatenate([[0], np.cumsum(2 * used.sum(axis=1))]).astype(np.int32)
        pieces = pa.concat_arrays([*self.pieces, numbers]).take(pa.array(pairs))
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), pieces), "")

    def _word(self, length: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """A word of the pool of each length, or of the nearest one above or below."""
        low, high = self.first[length], self.first[length + 1]
        none = low == high
        low = np.where(none, np.maximum(low - 20, 0), low)
        high = np.where(none, np.minimum(low + 40, self.words), high)
        drawn: npt.NDArray[np.int64] = low + (rng.random(len(length)) * (high - low)).astype(np.int64)
        return drawn

    def _numbers(self, length: npt.NDArray[np.int64], rng: np.random.Generator) -> pa.Array:
        low, high = self.chain.numbers[length].T
        return pc.cast(pa.array(rng.integers(low, high + 1)), pa.string())
