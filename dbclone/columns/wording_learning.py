"""Learning a guarded model of wording from strings; what it is stands in ``wording``."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

import numpy as np
import numpy.typing as npt

from dbclone.columns.wording import END, LITERAL, LONGEST, Chain, Transitions, shape_of
from dbclone.privacy import lexicon
from dbclone.privacy.protection import Ints

_SEPARATOR = r"(?:%[0-9A-Fa-f]{2}|[\W_])"
_CUT = re.compile(rf"{_SEPARATOR}*(?:\d+|[^\W\d_]+)|{_SEPARATOR}+$")
_PARTS = re.compile(rf"({_SEPARATOR}*)(\d*)(.*)", re.DOTALL)
_MOST_TOKENS = 1000
_MOST_SYMBOLS = 6000
_MOST_PAIRS = 20_000
_FREQUENT = 12
"""Occurrences from which on a pair of contexts has its own distribution."""
_FEW_NUMBERS = 5
_OPENING, _CLOSING = "([{", ")]}"

Symbol = tuple[str, int, str, int, bool]
"""Separator, core, the kept word (else ''), the shape's length (else 0), whether a bracket is open after it."""


def learn(
    strings: Sequence[str], k: int, entities: Ints | None, seed: int = 0, private: frozenset[str] = frozenset()
) -> Chain:
    """The chain of the given strings (a bounded sample), one entity each or as ``entities`` says.

    ``private`` words are not kept, whoever shares them.
    """
    owners: Sequence[int] = range(len(strings)) if entities is None else entities.tolist()
    tokens = [tokenise(s) for s in strings]
    kept = _kept_words(tokens, owners, k) - private
    separators = _kept_separators(tokens, owners, k)
    plain = [[_shaped(sep, core, kept, separators) for sep, core in row] for row in tokens]
    guarded = _guarded([_bracketed(row) for row in plain], owners, k)
    return replace(_chain(guarded, owners, k), pool=_pool(tokens, k, seed, private), numbers=_number_ranges(kept))


def tokenise(text: str) -> list[tuple[str, str]]:
    """(what stands before, word) pairs; the last one has an empty word and holds what stands at the end."""
    row = []
    for piece in _CUT.findall(text)[:_MOST_TOKENS]:
        match = _PARTS.fullmatch(piece)
        assert match is not None
        row.append((match[1], match[2] or match[3]))
    return row if row and not row[-1][1] else [*row, ("", "")]


def _kept_words(tokens: Sequence[Sequence[tuple[str, str]]], owners: Sequence[int], k: int) -> set[str]:
    holders: dict[str, set[int]] = defaultdict(set)
    for row, owner in zip(tokens, owners, strict=True):
        for _, core in row:
            if core and len(holders[core]) < k:
                holders[core].add(owner)
    return {word for word, who in holders.items() if len(who) >= k}


def _kept_separators(tokens: Sequence[Sequence[tuple[str, str]]], owners: Sequence[int], k: int) -> set[str]:
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
    return sep, shape_of(core), "", min(len(core), LONGEST)


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


def _guarded(rows: Sequence[list[Symbol]], owners: Sequence[int], k: int) -> list[list[Symbol]]:
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
    return sep, shape_of(word), "", min(len(word), LONGEST), is_open


def _chain(rows: Sequence[list[Symbol]], owners: Sequence[int], k: int) -> Chain:
    frequency = Counter(symbol for row in rows for symbol in row)
    symbols = sorted(frequency, key=lambda s: (-frequency[s], s))[:_MOST_SYMBOLS]
    number = {symbol: i + 1 for i, symbol in enumerate(symbols)}
    known: dict[tuple[str, int, str, bool], int] = {}
    contexts = [0, *(1 + known.setdefault(_context(s), len(known)) for s in symbols)]
    paths = [[0, *takewhile(bool, (number.get(symbol, 0) for symbol in row))] for row in rows]
    single = len(known) + 1
    pairs = _pairs(paths, contexts, owners, k)
    rows_of = {pair: single + i for i, pair in enumerate(pairs)}
    steps, ends = _transitions(paths, contexts, rows_of, _Guard(symbols, number, owners, k))
    return Chain(
        separators=("", *(s[0] for s in symbols)),
        cores=np.array([END, *(s[1] for s in symbols)], dtype=np.int8),
        words=("", *(s[2] for s in symbols)),
        lengths=np.array([0, *(s[3] for s in symbols)], dtype=np.int16),
        counts=np.array([0, *(frequency[s] for s in symbols)], dtype=np.float64),
        contexts=np.array(contexts, dtype=np.int64),
        pairs=np.array([first * single + second for first, second in pairs], dtype=np.int64),
        steps=Transitions.of(steps, single + len(pairs)),
        ends=Transitions.of(ends, single + len(pairs)),
        pool=(),
        numbers=np.zeros((LONGEST + 1, 2), dtype=np.int64),
    )


def _pairs(paths: Sequence[list[int]], contexts: Sequence[int], owners: Sequence[int], k: int) -> list[tuple[int, int]]:
    """Successive contexts that are frequent, and shared by k entities, in ascending order."""
    counts: Counter[tuple[int, int]] = Counter()
    holders: dict[tuple[int, int], set[int]] = defaultdict(set)
    for path, owner in zip(paths, owners, strict=True):
        for pair in pairwise(contexts[symbol] for symbol in path):
            counts[pair] += 1
            if len(holders[pair]) < k:
                holders[pair].add(owner)
    frequent = max(_FREQUENT, 2 * k)
    return sorted(pair for pair, n in counts.items() if n >= frequent and len(holders[pair]) >= k)[:_MOST_PAIRS]


@dataclass
class _Guard:
    """What is needed to know whether a kept word may follow a pair of contexts."""

    symbols: Sequence[Symbol]
    number: dict[Symbol, int]
    owners: Sequence[int]
    k: int

    def substitute(self, symbol: int) -> int:
        """The shape that stands for a kept word, 0 if the chain does not have it."""
        return self.number.get(_as_shape(self.symbols[symbol - 1]), 0)

    def literal(self, symbol: int) -> bool:
        return self.symbols[symbol - 1][1] == LITERAL

    def ends(self, symbol: int) -> bool:
        return self.symbols[symbol - 1][1] == END


def _transitions(
    paths: Sequence[list[int]], contexts: Sequence[int], rows_of: dict[tuple[int, int], int], guard: _Guard
) -> tuple[dict[tuple[int, int], float], dict[tuple[int, int], float]]:
    """How often each row leads to each symbol: steps and ends."""
    steps: dict[tuple[int, int], float] = defaultdict(float)
    ends: dict[tuple[int, int], float] = defaultdict(float)
    held = _literal_holders(paths, contexts, rows_of, guard)
    for path in paths:
        before = -1
        for last, following in pairwise(path):
            counts = ends if guard.ends(following) else steps
            counts[contexts[last], following] += 1.0
            row = rows_of.get((before, contexts[last]))
            before = contexts[last]
            if row is None:
                continue
            if guard.literal(following) and len(held[row, following]) < guard.k:
                following = guard.substitute(following)
            if following:
                counts[row, following] += 1.0
    return steps, ends


def _literal_holders(
    paths: Sequence[list[int]], contexts: Sequence[int], rows_of: dict[tuple[int, int], int], guard: _Guard
) -> dict[tuple[int, int], set[int]]:
    """Up to k entities that go from a pair of contexts to a kept word."""
    held: dict[tuple[int, int], set[int]] = defaultdict(set)
    for path, owner in zip(paths, guard.owners, strict=True):
        for first, second, following in zip(path, path[1:], path[2:], strict=False):
            row = rows_of.get((contexts[first], contexts[second]))
            if row is not None and guard.literal(following) and len(held[row, following]) < guard.k:
                held[row, following].add(owner)
    return held


def _number_ranges(kept: set[str]) -> npt.NDArray[np.int64]:
    """Per number of digits the range of the kept numbers (years stay years), or all numbers where few are kept."""
    ranges = np.array([(10 ** (n - 1) if n > 1 else 0, 10**n - 1) for n in range(LONGEST + 1)], dtype=np.int64)
    for length in range(2, LONGEST + 1):
        numbers = [int(word) for word in kept if word.isdecimal() and len(word) == length and word[0] != "0"]
        if len(numbers) >= _FEW_NUMBERS:
            ranges[length] = min(numbers), max(numbers)
    return ranges


def _pool(tokens: Sequence[Sequence[tuple[str, str]]], k: int, seed: int, private: frozenset[str]) -> tuple[str, ...]:
    """Words that do not occur in the source, in its script."""
    rng = np.random.default_rng(seed)
    seen = {core.lower() for row in tokens for _, core in row if not core.isdecimal()} - {""}
    avoid = seen | {word.lower() for word in private}
    letters: dict[str, int] = defaultdict(int)
    for word in seen:
        for letter in set(word):
            letters[letter] += 1
    foreign = "".join(sorted(c for c, n in letters.items() if n >= k and not c.isascii() and c.isalpha()))
    if sum(n for c, n in letters.items() if not c.isascii()) > 0.5 * sum(letters.values()) and foreign:
        return lexicon.invented_words(rng, foreign, avoid)
    return lexicon.public_words(rng, avoid)
