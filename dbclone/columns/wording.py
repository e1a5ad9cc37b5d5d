"""A guarded model of wording: a Markov chain over words of which only those that k entities use are kept.

Every other word is kept as a shape (its case and length) and comes back as a public word of that shape.  The chain goes
from word to word with what stands between them; each step to a kept word was made by at least k entities.  A string
that would consist of kept words only gets one made-up word, so that no string of the source can come back whole.
The public words were chosen not to occur in the source.  (n-gram models with rare-word replacement: Jelinek 1997.)
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.privacy import lexicon
from dbclone.privacy.protection import Ints

_CUT = re.compile(r"[\W_]*(?:\d+|[^\W\d_]+)|[\W_]+$")
_PARTS = re.compile(r"([\W_]*)(\d*)(.*)", re.DOTALL)
_MOST_TOKENS = 1000
_MOST_SYMBOLS = 6000
_LONGEST = 14
_CELLS = 4_000_000
_URGE = 8.0
"""How much likelier than in the source an end is, once a string has its size."""
_OPENING, _CLOSING = "([{", ")]}"

LITERAL, LOWER, TITLE, UPPER, DIGITS, END = range(6)
"""What the core of a symbol is: a kept word, a shape of letters in some case, a shape of digits, or the end."""

Symbol = tuple[str, int, str, int, bool]
"""Separator, core, the kept word (else ''), the shape's length (else 0), whether a bracket is open after it."""


@dataclass(frozen=True)
class Chain:
    """Symbol 0 is the start.  Row c of a CSR matrix holds where context c leads, and how often."""

    separators: tuple[str, ...]
    """Per symbol: what stands before its core."""
    cores: npt.NDArray[np.int8]
    words: tuple[str, ...]
    lengths: npt.NDArray[np.int16]
    counts: npt.NDArray[np.float64]
    contexts: npt.NDArray[np.int32]
    """Per symbol: the row of both matrices that follows it."""
    steps: Transitions
    ends: Transitions
    pool: tuple[str, ...]
    """Words for shapes, shortest first."""

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
        current = np.zeros(len(sizes), dtype=np.int32)
        for i in range(longest):
            context = self.contexts[current[alive]]
            ended = self._ends_now(context, i - sizes[alive], rng)
            step = np.where(ended, -1, self.steps.draw(context, rng))
            ended |= step < 0
            symbols[alive, i] = np.where(ended, self.ends.draw(context, rng), step)
            current[alive] = np.maximum(step, 0)
            alive = alive[~ended]
            if not len(alive):
                break
        return symbols

    def _ends_now(
        self, context: npt.NDArray[np.int32], beyond: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> npt.NDArray[np.bool_]:
        """Never before the size is reached; then with the context's own odds, raised by each word too many."""
        odds = self.ends.totals[context] * np.where(beyond < 0, 0.0, _URGE * 2.0 ** np.clip(beyond, 0, 40))
        chance = odds / np.maximum(odds + self.steps.totals[context], 1e-9)
        return rng.random(len(context)) < chance

    def _invented(self, symbols: npt.NDArray[np.int32], rng: np.random.Generator) -> npt.NDArray[np.bool_]:
        """Marks the kept word that must be replaced in strings without any made-up word: the rarest of them."""
        core = np.where(symbols >= 0, self.cores[symbols], END)
        bare = ~np.any((core >= LOWER) & (core <= UPPER), axis=1)
        marks = np.zeros(symbols.shape, dtype=bool)
        rows = np.flatnonzero(bare)
        alphabetic = np.array([bool(w) and w.isalpha() for w in self.words])
        candidates = (core[rows] == LITERAL) & alphabetic[symbols[rows]]
        weight = np.where(candidates, self.counts[symbols[rows]], np.inf)
        rarest = np.argmin(weight, axis=1)
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


def learn(strings: Sequence[str], k: int, entities: Ints | None, seed: int = 0) -> Chain:
    """The chain of the given strings (a bounded sample), one entity each or as ``entities`` says."""
    owners = range(len(strings)) if entities is None else entities.tolist()
    tokens = [tokenise(s) for s in strings]
    kept = _kept_words(tokens, owners, k)
    separators = _kept_separators(tokens, owners, k)
    plain = [[_shaped(sep, core, kept, separators) for sep, core in row] for row in tokens]
    guarded = _guarded([_bracketed(row) for row in plain], owners, k)
    return _chain(guarded, _pool(tokens, k, seed))


def tokenise(text: str) -> list[tuple[str, str]]:
    """(what stands before, word) pairs; the last one has an empty word and holds what stands at the end."""
    row = []
    for piece in _CUT.findall(text)[:_MOST_TOKENS]:
        match = _PARTS.fullmatch(piece)
        assert match is not None
        row.append((match[1], match[2] or match[3]))
    return row if row and not row[-1][1] else [*row, ("", "")]


def _kept_words(tokens: Sequence[Sequence[tuple[str, str]]], owners: Iterable[int], k: int) -> set[str]:
    holders: dict[str, set[int]] = defaultdict(set)
    for row, owner in zip(tokens, owners, strict=True):
        for _, core in row:
            if core and len(holders[core]) < k:
                holders[core].add(owner)
    return {word for word, who in holders.items() if len(who) >= k}


def _kept_separators(tokens: Sequence[Sequence[tuple[str, str]]], owners: Iterable[int], k: int) -> set[str]:
    holders: dict[str, set[int]] = defaultdict(set)
    for row, owner in zip(tokens, owners, strict=True):
        for sep, _ in row:
            if len(holders[sep]) < k:
                holders[sep].add(owner)
    return {sep for sep, who in holders.items() if len(who) >= k}


def _shaped(sep: str, core: str, kept: set[str], separators: set[str]) -> tuple[str, int, str, int]:
    if sep not in separators:
        sep = " " if core and sep else ""
    if not core:
        return sep, END, "", 0
    if core in kept:
        return sep, LITERAL, core, 0
    return sep, _shape(core), "", min(len(core), _LONGEST)


def _shape(core: str) -> int:
    if core.isdecimal():
        return DIGITS
    if core.isupper() and len(core) > 1:
        return UPPER
    return TITLE if core[:1].isupper() else LOWER


def _bracketed(row: Sequence[tuple[str, int, str, int]]) -> list[Symbol]:
    """Adds to each symbol whether a bracket is open after its separator, so that what opens can be closed."""
    found: list[Symbol] = []
    is_open = False
    for sep, core, word, length in row:
        for character in sep:
            is_open = character in _OPENING or (is_open and character not in _CLOSING)
        found.append((sep, core, word, length, is_open))
    return found


def _context(symbol: Symbol) -> tuple[str, int, str, bool]:
    sep, core, word, _, is_open = symbol
    return sep, core, word, is_open


def _guarded(rows: Sequence[list[Symbol]], owners: Iterable[int], k: int) -> list[list[Symbol]]:
    """Kept words become shapes again wherever fewer than k entities made the step to them."""
    holders: dict[tuple[object, Symbol], set[int]] = defaultdict(set)
    for row, owner in zip(rows, owners, strict=True):
        for before, symbol in zip([None, *row], row, strict=False):
            if symbol[1] == LITERAL and len(who := holders[before and _context(before), symbol]) < k:
                who.add(owner)
    guarded = []
    for row in rows:
        new: list[Symbol] = []
        for before, symbol in zip([None, *row], row, strict=False):
            rare = symbol[1] == LITERAL and len(holders[before and _context(before), symbol]) < k
            new.append(_as_shape(symbol) if rare else symbol)
        guarded.append(new)
    return guarded


def _as_shape(symbol: Symbol) -> Symbol:
    sep, _, word, _, is_open = symbol
    return sep, _shape(word), "", min(len(word), _LONGEST), is_open


def _chain(rows: Sequence[list[Symbol]], pool: tuple[str, ...]) -> Chain:
    frequency: dict[Symbol, int] = defaultdict(int)
    for row in rows:
        for symbol in row:
            frequency[symbol] += 1
    symbols = sorted(frequency, key=lambda s: (-frequency[s], s))[:_MOST_SYMBOLS]
    number = {symbol: i + 1 for i, symbol in enumerate(symbols)}
    contexts: dict[tuple[str, int, str, bool], int] = {}
    context_of = [0, *(1 + contexts.setdefault(_context(s), len(contexts)) for s in symbols)]
    steps: dict[tuple[int, int], float] = defaultdict(float)
    ends: dict[tuple[int, int], float] = defaultdict(float)
    for row in rows:
        current = 0
        for symbol in row:
            following = number.get(symbol)
            if following is None:
                break
            (ends if symbol[1] == END else steps)[context_of[current], following] += 1.0
            current = following
    return Chain(
        separators=("", *(s[0] for s in symbols)),
        cores=np.array([END, *(s[1] for s in symbols)], dtype=np.int8),
        words=("", *(s[2] for s in symbols)),
        lengths=np.array([0, *(s[3] for s in symbols)], dtype=np.int16),
        counts=np.array([0, *(frequency[s] for s in symbols)], dtype=np.float64),
        contexts=np.array(context_of, dtype=np.int32),
        steps=Transitions.of(steps, len(contexts) + 1),
        ends=Transitions.of(ends, len(contexts) + 1),
        pool=pool,
    )


def _pool(tokens: Sequence[Sequence[tuple[str, str]]], k: int, seed: int) -> tuple[str, ...]:
    """Words that do not occur in the source, in its script."""
    rng = np.random.default_rng(seed)
    seen = {core.lower() for row in tokens for _, core in row if not core.isdecimal()} - {""}
    letters: dict[str, int] = defaultdict(int)
    for word in seen:
        for letter in set(word):
            letters[letter] += 1
    foreign = "".join(sorted(c for c, n in letters.items() if n >= k and not c.isascii() and c.isalpha()))
    if sum(n for c, n in letters.items() if not c.isascii()) > 0.5 * sum(letters.values()) and foreign:
        return lexicon.invented_words(rng, foreign, seen)
    return lexicon.public_words(rng, seen)


class _Renderer:
    """Turns symbols into strings: pieces are numbers into one long list of texts, joined by Arrow."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        words = pa.array(chain.pool, pa.string())
        cases = [words, pc.utf8_capitalize(words), pc.utf8_upper(words)]
        self.pieces = [pa.array(chain.separators, pa.string()), pa.array(chain.words, pa.string()), *cases]
        sizes = np.array([len(w) for w in chain.pool])
        self.first = np.searchsorted(sizes, np.arange(_LONGEST + 2))
        self.symbols, self.words = len(chain.separators), len(words)

    def render(
        self, symbols: npt.NDArray[np.int32], invented: npt.NDArray[np.bool_], rng: np.random.Generator
    ) -> pa.Array:
        used = symbols >= 0
        flat = symbols[used]
        core, length = self.chain.cores[flat].astype(np.int64), self.chain.lengths[flat].astype(np.int64)
        replaced = np.flatnonzero(invented[used])
        kept = [self.chain.words[s] for s in flat[replaced]]
        core[replaced] = [_shape(w) for w in kept]
        length[replaced] = [min(len(w), _LONGEST) for w in kept]
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
        low = np.where(length > 1, 10.0 ** (length - 1), 0.0)
        numbers = low + np.floor(rng.random(len(length)) * (10.0**length - low))
        return pc.cast(pa.array(numbers.astype(np.int64)), pa.string())
