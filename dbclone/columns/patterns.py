"""Pattern grammars of codes: learns the shape of strings such as 'TR000_1' or '+49 30 123456' and draws new ones.

A string is cut into runs of digits, runs of letters and what stands between them.  Strings with the same cut share a
pattern; each run becomes a token: a choice of words that enough entities hold, a number from the runs' range, or
characters from the alphabet of each position.  Only what at least k entities share is kept literally.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.uniqueness import ENUMERATION, code_points, distinct, enumerated, strings_of
from dbclone.privacy.protection import Ints, count_entities

_FINE = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
_COARSE = re.compile(r"[^\W_]+|[\W_]+")
_DIGITS = "0123456789"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CLASSES = {"9": _DIGITS, "A": ENUMERATION[10:36], "a": ENUMERATION[36:]}
_PICTURED = re.compile(r"[^\W_]")
_RUN = re.compile(r"9+|A+|a+")
_RUNS = re.compile(r"9+|A+|a+|[^9Aa]+")
_FORMAT = re.compile(r"[ -~]{2,40}")
_MOST_PATTERNS = 32
_MOST_CHOICES = 64
_WIDEST_NUMBER = 15
_LONGEST_STRING = 400
_KNOTS = 17


class TokenKind(StrEnum):
    CHOICE = "choice"
    """One of a few texts; a literal is a choice of one."""
    NUMBER = "number"
    """An integer, padded with zeros to ``width`` if that is not 0."""
    CHARACTERS = "characters"
    """Characters drawn from each position's alphabet."""
    UUID = "uuid"


@dataclass(frozen=True)
class Token:
    kind: TokenKind
    choices: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    """Of the choices of a CHOICE, or of the lengths of CHARACTERS."""
    lengths: tuple[int, ...] = ()
    alphabets: tuple[str, ...] = ()
    """Per position; the last one serves all further positions."""
    knots: tuple[int, ...] = ()
    """Quantiles of a NUMBER at equal steps, rounded so that they are no value of the source."""
    width: int = 0
    sequence: bool = False
    """The numbers count the strings up, from the first knot."""

    @property
    def longest(self) -> int:
        """Characters of the longest text that this token gives."""
        match self.kind:
            case TokenKind.CHOICE:
                return max(map(len, self.choices))
            case TokenKind.NUMBER:
                return max(self.width, len(str(self.knots[-1])))
            case TokenKind.CHARACTERS:
                return max(self.lengths)
            case TokenKind.UUID:
                return 36

    @property
    def capacity(self) -> float:
        """How many different texts this token can give."""
        match self.kind:
            case TokenKind.CHOICE:
                return len(self.choices)
            case TokenKind.NUMBER:
                return self.knots[-1] - self.knots[0] + 1
            case TokenKind.CHARACTERS:
                return float(sum(self._strings(length) for length in self.lengths))
            case TokenKind.UUID:
                return 2.0**122

    def _strings(self, length: int) -> float:
        sizes = [len(self.alphabets[min(i, len(self.alphabets) - 1)]) for i in range(length)]
        return float(np.prod(np.array(sizes, dtype=float)))

    def draw(self, n: int, rng: np.random.Generator) -> pa.Array:
        """n texts, independent of each other (a sequence: in ascending order)."""
        match self.kind:
            case TokenKind.CHOICE:
                return _pick(self.choices, self.weights, n, rng)
            case TokenKind.NUMBER:
                return self._numbers(n, rng)
            case TokenKind.CHARACTERS:
                return self._characters(n, rng)
            case TokenKind.UUID:
                return uuids(n, rng, upper=self.choices == ("upper",))

    def _numbers(self, n: int, rng: np.random.Generator) -> pa.Array:
        if self.sequence:
            numbers = self.knots[0] + np.arange(n, dtype=np.int64)
        else:
            at = rng.random(n) * (len(self.knots) - 1)
            numbers = np.rint(np.interp(at, np.arange(len(self.knots)), np.array(self.knots, float))).astype(np.int64)
        text = pc.cast(pa.array(numbers), pa.string())
        return pc.utf8_lpad(text, self.width, "0") if self.width else text

    def _characters(self, n: int, rng: np.random.Generator) -> pa.Array:
        longest = max(self.lengths)
        drawn = rng.choice(np.array(self.lengths), size=n, p=_shares(self.weights))
        points = np.zeros((n, longest), dtype=np.uint32)
        for i in range(longest):
            alphabet = code_points(self.alphabets[min(i, len(self.alphabets) - 1)])
            points[:, i] = np.where(drawn > i, alphabet[rng.integers(0, len(alphabet), n)], 0)
        return strings_of(points)


@dataclass(frozen=True)
class Pattern:
    tokens: tuple[Token, ...]
    weight: float
    skeleton: str = ""
    """The cut: 9 for digits, A for letters, what stands between them as it is."""

    @property
    def capacity(self) -> float:
        return float(np.prod(np.array([t.capacity for t in self.tokens], dtype=float)))

    @property
    def longest(self) -> int:
        return sum(t.longest for t in self.tokens)

    def draw(self, n: int, rng: np.random.Generator) -> pa.Array:
        return pc.binary_join_element_wise(*(t.draw(n, rng) for t in self.tokens), "")

    def widened(self) -> Pattern:
        """The same pattern with more capacity: all numbers of as many digits, else one more digit."""
        for i in reversed(range(len(self.tokens))):
            if self.tokens[i].kind in (TokenKind.NUMBER, TokenKind.CHARACTERS) and self.tokens[i].capacity > 1:
                return replace(self, tokens=(*self.tokens[:i], _widened(self.tokens[i]), *self.tokens[i + 1 :]))
        return replace(self, tokens=(*self.tokens, Token(TokenKind.NUMBER, knots=(0, 9))))


@dataclass(frozen=True)
class Grammar:
    """Alternative patterns with their shares; empty if nothing was there to learn from."""

    patterns: tuple[Pattern, ...]

    def draw(self, n: int, rng: np.random.Generator) -> pa.Array:
        """n texts, patterns by their shares."""
        which = rng.choice(len(self.patterns), size=n, p=_shares([p.weight for p in self.patterns]))
        return self.draw_as(which, rng)

    def draw_as(self, which: npt.NDArray[np.integer], rng: np.random.Generator) -> pa.Array:
        """One text for each given pattern number."""
        order = np.argsort(which, kind="stable")
        counts = np.bincount(which, minlength=len(self.patterns))
        parts = [p.draw(int(c), rng) for p, c in zip(self.patterns, counts, strict=True) if c]
        if not parts:
            return pa.array([], pa.string())
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        return pa.concat_arrays(parts).take(pa.array(back))

    def draw_unique(self, n: int, rng: np.random.Generator, max_length: int | None = None) -> pa.Array:
        """n different texts of at most ``max_length`` characters; PlanError if there are not that many."""
        grammar = self._roomy(n, max_length)
        if grammar is None:
            return enumerated(n, max_length)
        return distinct(lambda m: grammar.draw(m, rng), n, max_length)

    def _roomy(self, n: int, max_length: int | None) -> Grammar | None:
        """This grammar, each pattern widened until it can give twice its share of n; None if none can."""
        total = sum(p.weight for p in self.patterns)
        roomy = []
        for pattern in self.patterns:
            wanted = 2 * n * pattern.weight / total
            while pattern.capacity < wanted:
                wider = pattern.widened()
                if max_length is not None and wider.longest > max_length:
                    break
                pattern = wider
            if pattern.capacity >= wanted:
                roomy.append(pattern)
        if len(roomy) < len(self.patterns):
            return Grammar(tuple(roomy))._roomy(n, max_length) if roomy else None
        return Grammar(tuple(roomy))


def learn(values: Sequence[str], k: int, entities: Ints | None = None) -> Grammar:
    """The grammar of the given strings, one per row; meant for some ten thousand rows, so sample first.

    Nothing that fewer than k entities share is kept literally.  Strings beyond 400 characters are passed over.
    """
    strings = [v if len(v) <= _LONGEST_STRING else v[:_LONGEST_STRING] for v in values]
    if not strings:
        return Grammar(())
    if sum(_UUID.fullmatch(s) is not None for s in strings) > 0.9 * len(strings):
        case = "upper" if sum(s.upper() == s for s in strings) > 0.5 * len(strings) else "lower"
        return Grammar((Pattern((Token(TokenKind.UUID, (case,)),), 1.0),))
    for cut in (_FINE, _COARSE):
        patterns, covered = _patterns(strings, cut, k, entities)
        if covered >= 0.8:
            return Grammar(patterns)
    patterns, covered = max((_patterns(strings, cut, k, entities) for cut in (_FINE, _COARSE)), key=lambda p: p[1])
    if covered >= 0.4:
        return Grammar(patterns)
    return Grammar((_picture(strings, k) or Pattern((_pooled(strings),), 1.0),))


def _picture(strings: Sequence[str], k: int) -> Pattern | None:
    """Classes of characters where all of k strings and more have the same, with marks between; None if they differ.

    It serves columns that belong to so few entities that nothing of them may be learned (the products of three
    suppliers): a format is the column's, nobody's value, and a CHECK that only the database understands may ask for it.
    """
    pictures = {_PICTURED.sub(_class_of, s) for s in strings}
    picture = pictures.pop()
    if len(strings) < k or pictures or not _FORMAT.fullmatch(picture):
        return None
    return Pattern(tuple(_any_of(run) for run in _RUNS.findall(picture)), 1.0, _RUN.sub(lambda m: m[0][0], picture))


def _class_of(character: re.Match[str]) -> str:
    return "9" if character[0].isdecimal() else "A" if character[0].isupper() else "a"


def _any_of(run: str) -> Token:
    """Any text of a run of one class, or the marks themselves."""
    if run[0] not in _CLASSES:
        return Token(TokenKind.CHOICE, (run,), (1.0,))
    return Token(TokenKind.CHARACTERS, weights=(1.0,), lengths=(len(run),), alphabets=(_CLASSES[run[0]],))


def _patterns(
    strings: Sequence[str], cut: re.Pattern[str], k: int, entities: Ints | None
) -> tuple[tuple[Pattern, ...], float]:
    """Patterns that at least k entities share, the most frequent first, and the share of strings they cover."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    runs = [cut.findall(s) for s in strings]
    for i, found in enumerate(runs):
        groups[_skeleton(found)].append(i)
    kept = [(s, np.array(g)) for s, g in groups.items() if count_entities(np.array(g), entities) >= k and s]
    kept = sorted(kept, key=lambda pair: -len(pair[1]))[:_MOST_PATTERNS]
    patterns = tuple(
        Pattern(
            tuple(
                _token([runs[i][j] for i in rows], k, None if entities is None else entities[rows])
                for j in range(len(skeleton))
            ),
            float(len(rows)),
            "".join(skeleton),
        )
        for skeleton, rows in kept
    )
    return patterns, sum(len(rows) for _, rows in kept) / len(strings)


def _skeleton(runs: Iterable[str]) -> tuple[str, ...]:
    return tuple("9" if r.isdecimal() else "A" if r.isalpha() else "*" if r.isalnum() else r for r in runs)


def _token(runs: Sequence[str], k: int, entities: Ints | None) -> Token:
    """What stands at one place of a pattern, learned from that place in all its strings."""
    rows: dict[str, list[int]] = defaultdict(list)
    for i, run in enumerate(runs):
        rows[run].append(i)
    common = {r: len(at) for r, at in rows.items() if count_entities(np.array(at), entities) >= k}
    if len(common) <= _MOST_CHOICES and sum(common.values()) >= 0.9 * len(runs):
        return Token(TokenKind.CHOICE, tuple(common), tuple(map(float, common.values())))
    if all(r.isdecimal() and r.isascii() and len(r) <= _WIDEST_NUMBER for r in rows) and (number := _number(runs)):
        return number
    return _characters_token(runs, k, entities)


def _number(runs: Sequence[str]) -> Token | None:
    """A NUMBER that spans the runs; None if they are padded to different widths."""
    widths = {len(r) for r in runs}
    padded = any(r[0] == "0" and len(r) > 1 for r in runs)
    if padded and len(widths) > 1:
        return None
    numbers = np.array([int(r) for r in runs], dtype=np.int64)
    width = next(iter(widths)) if padded else 0
    distinct_numbers = len(np.unique(numbers))
    span = int(numbers.max() - numbers.min()) + 1
    if distinct_numbers == len(numbers) >= 3 and span <= 1.2 * distinct_numbers:
        return Token(TokenKind.NUMBER, knots=(int(numbers.min()), int(numbers.max())), width=width, sequence=True)
    low, high = (10 ** (len(runs[0]) - 1), 10 ** len(runs[0]) - 1) if len(widths) == 1 and not padded else (0, None)
    knots = [_rounded(q, span) for q in np.quantile(numbers, np.linspace(0, 1, _KNOTS))]
    if padded:
        high = 10**width - 1
    knots = sorted(min(max(q, low), high if high is not None else q) for q in knots)
    return Token(TokenKind.NUMBER, knots=(*knots[:-1], max(knots[-1], knots[0] + 1)), width=width)


def _rounded(value: float, span: int) -> int:
    """To two significant digits, so that no number of the source stands in the model.

    Where all begin alike (``span`` is much less than the numbers are), to two digits of what differs, but not to units.
    """
    number = round(value)
    unit: int = min(10 ** max(len(str(abs(number))) - 2, 0), 10 ** max(len(str(span)) - 2, 1))
    return number // unit * unit


def _characters_token(runs: Sequence[str], k: int, entities: Ints | None) -> Token:
    longest = max(map(len, runs))
    counts = np.bincount([len(r) for r in runs], minlength=longest + 1)
    lengths = [int(n) for n in np.flatnonzero(counts >= k)] or [int(np.median([len(r) for r in runs]))]
    positions = min(max(lengths), 12)
    alphabets = tuple(
        _alphabet([r[i] for r in runs if len(r) > i] if i < positions - 1 else list("".join(r[i:] for r in runs)), k)
        for i in range(positions)
    )
    return Token(
        TokenKind.CHARACTERS,
        weights=tuple(float(counts[n]) or 1.0 for n in lengths),
        lengths=tuple(lengths),
        alphabets=alphabets,
    )


def _alphabet(characters: Sequence[str], k: int) -> str:
    """The characters seen at least k times, or whole classes of characters if there are none such."""
    seen: dict[str, int] = defaultdict(int)
    for character in characters:
        seen[character] += 1
    common = sorted(c for c, n in seen.items() if n >= k)
    if common and sum(seen[c] for c in common) >= 0.7 * len(characters):
        return "".join(common)
    return _classes(seen)


def _classes(characters: Iterable[str]) -> str:
    """All ASCII characters of the classes (digit, upper, lower) that occur; letters if none does."""
    present = set(characters)
    upper = ENUMERATION[10:36] if any(c.isupper() for c in present) else ""
    lower = ENUMERATION[36:] if any(c.islower() for c in present) else ""
    digits = _DIGITS if any(c.isdecimal() for c in present) else ""
    return digits + upper + lower or ENUMERATION[36:]


def _pooled(strings: Sequence[str]) -> Token:
    """One token for strings that share no shape: characters of their classes, lengths around theirs."""
    low, high = np.quantile([max(len(s), 1) for s in strings], [0.25, 0.75])
    lengths = tuple(range(int(low), int(high) + 1))
    return Token(
        TokenKind.CHARACTERS, weights=(1.0,) * len(lengths), lengths=lengths, alphabets=(_classes("".join(strings)),)
    )


def _widened(token: Token) -> Token:
    if token.kind is TokenKind.CHARACTERS:
        return replace(token, lengths=(max(token.lengths) + 1,), weights=(1.0,))
    digits = max(token.width, len(str(token.knots[-1])))
    top = 10**digits - 1
    if token.knots[-1] == top:
        top = 10 ** (digits + 1) - 1
    return replace(token, knots=(token.knots[0], top))


def uuids(n: int, rng: np.random.Generator, upper: bool = False, times: Ints | None = None) -> pa.Array:
    """n random UUIDs as text: version 4, or version 7 (RFC 9562) at the given milliseconds since 1970."""
    raw = np.frombuffer(rng.bytes(16 * n), dtype=np.uint8).reshape(n, 16).copy()
    if times is not None:
        raw[:, :6] = times.astype(">u8").view(np.uint8).reshape(n, 8)[:, 2:]
    raw[:, 6] = (raw[:, 6] & 0x0F) | (0x40 if times is None else 0x70)
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    digits = np.frombuffer(raw.tobytes().hex().encode(), dtype=np.uint8).reshape(n, 32)
    out = np.full((n, 36), ord("-"), dtype=np.uint32)
    out[:, [i for i in range(36) if i not in (8, 13, 18, 23)]] = digits
    text = strings_of(out)
    return pc.utf8_upper(text) if upper else text


def _pick(choices: Sequence[str], weights: Sequence[float], n: int, rng: np.random.Generator) -> pa.Array:
    if len(choices) == 1:
        return pa.repeat(pa.scalar(choices[0], pa.string()), n)
    return pa.array(choices, pa.string()).take(pa.array(rng.choice(len(choices), size=n, p=_shares(weights))))


def _shares(weights: Sequence[float]) -> npt.NDArray[np.float64]:
    array: npt.NDArray[np.float64] = np.array(weights, dtype=np.float64)
    return array / float(array.sum())
