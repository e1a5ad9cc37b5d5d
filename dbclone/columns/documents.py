"""A model of nested values (JSON documents, arrays): learned path by path, drawn column by column as text.

Each path has its types, each object the sets of its keys, each list its lengths, each leaf its values.  Keys and leaf
strings are kept only if at least k entities hold them; numbers come back interpolated, personal data made
up.  Nothing is built value by value: every path gives one Arrow array of JSON texts, which its parent joins.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.text import TextCodec
from dbclone.privacy.protection import Ints
from dbclone.privacy.single import one_by_one

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

TYPES = ("null", "boolean", "integer", "float", "string", "object", "array")
_KNOTS = 33
_MOST_KEYS = 200
_MOST_VARIANTS = 24
_DEEPEST = 12


@dataclass(frozen=True)
class Node:
    """What stands at one path."""

    weights: tuple[float, ...] = (1.0, 0, 0, 0, 0, 0, 0)
    """Of null, boolean, integer, float, string, object, array."""
    truth: float = 0.5
    """Share of true among booleans."""
    integers: tuple[float, ...] = (0.0, 0.0)
    """Quantiles at equal steps."""
    floats: tuple[float, ...] = (0.0, 0.0)
    decimals: int = 0
    text: TextCodec | None = None
    text_weights: tuple[float, ...] = ()
    keys: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()
    variants: tuple[tuple[bool, ...], ...] = ()
    """Which keys stand together; the sets that at least k entities have, the most frequent first."""
    variant_weights: tuple[float, ...] = ()
    lengths: tuple[float, ...] = (0.0, 0.0)
    item: Node | None = None
    made: str = ""
    """Kind of personal data that the strings are, which are made up then."""

    def draw(self, n: int, rng: np.random.Generator, variants: npt.NDArray[np.integer] | None = None) -> pa.Array:
        """n JSON texts; ``variants`` says which variant each must have, and with it that it is an object."""
        if variants is not None:
            return self._objects(n, rng, variants)
        kinds = rng.choice(len(TYPES), size=n, p=np.array(self.weights) / sum(self.weights))
        makers = (_nulls, self._booleans, self._integers, self._floats, self._strings, self._objects, self._arrays)
        counts = np.bincount(kinds, minlength=len(TYPES))
        parts = [make(int(count), rng) for make, count in zip(makers, counts, strict=True) if count]
        if not parts:
            return pa.array([], pa.string())
        back = np.empty(n, dtype=np.int64)
        back[np.argsort(kinds, kind="stable")] = np.arange(n)
        return pa.concat_arrays(parts).take(pa.array(back))

    def _booleans(self, n: int, rng: np.random.Generator) -> pa.Array:
        return pc.if_else(pa.array(rng.random(n) < self.truth), "true", "false")

    def _integers(self, n: int, rng: np.random.Generator) -> pa.Array:
        return pc.cast(pa.array(np.rint(between(self.integers, n, rng)).astype(np.int64)), pa.string())

    def _floats(self, n: int, rng: np.random.Generator) -> pa.Array:
        numbers = between(self.floats, n, rng)
        numbers = np.where(np.abs(numbers) < 1e15, np.round(np.clip(numbers, -1e15, 1e15), self.decimals), numbers)
        return pa.array([repr(float(number)) for number in numbers], pa.string())

    def _strings(self, n: int, rng: np.random.Generator) -> pa.Array:
        if self.made:
            return quoted(one_by_one(self.made, n, rng))
        assert self.text is not None
        codes = rng.choice(self.text.size, size=n, p=np.array(self.text_weights) / sum(self.text_weights))
        return quoted(self.text.decode(codes, rng).fill_null(""))

    def _objects(self, n: int, rng: np.random.Generator, variants: npt.NDArray[np.integer] | None = None) -> pa.Array:
        if not self.keys:
            return pa.repeat(pa.scalar("{}"), n)
        if variants is None:
            weights = np.array(self.variant_weights)
            variants = rng.choice(len(weights), size=n, p=weights / weights.sum())
        present = np.array(self.variants)[np.minimum(variants, len(self.variants) - 1)]
        members = []
        for i, (key, child) in enumerate(zip(self.keys, self.children, strict=True)):
            where = present[:, i]
            values = pc.binary_join_element_wise(json.dumps(key) + ": ", child.draw(int(where.sum()), rng), "")
            at = np.cumsum(where) - 1
            members.append(values.take(pa.array(at, mask=~where)) if len(values) else pa.nulls(n, pa.string()))
        inner = pc.binary_join_element_wise(*members, ", ", null_handling="skip")
        return pc.binary_join_element_wise("{", inner, "}", "")

    def _arrays(self, n: int, rng: np.random.Generator) -> pa.Array:
        lengths = np.rint(between(self.lengths, n, rng)).astype(np.int64)
        items = (self.item or Node()).draw(int(lengths.sum()), rng)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        inner = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), items), ", ")
        return pc.binary_join_element_wise("[", inner, "]", "")


@dataclass(frozen=True)
class Rule:
    """How many entities must hold what is kept, and which strings are personal data, by path from where one is."""

    k: int
    personal: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    private: frozenset[str] = frozenset()
    """Words of personal data, which are not kept."""

    def below(self, key: str) -> Rule:
        """The rule of what stands under a key."""
        personal = {path[1:]: kind for path, kind in self.personal.items() if path[:1] == (key,)}
        return Rule(self.k, personal, self.private)


def learn(values: Sequence[Json], owners: Ints, rule: Rule, depth: int = 0) -> Node:
    """The node of the given values; ``owners`` (int64[n]) says whose each is."""
    groups: dict[str, list[int]] = {name: [] for name in TYPES}
    for i, value in enumerate(values):
        groups[_type_of(value, depth)].append(i)
    if not values:
        return Node()
    whose = {name: owners[np.array(rows, dtype=np.int64)] for name, rows in groups.items()}
    node = Node(
        weights=_weights(whose, rule.k),
        truth=_share_true([values[i] is True for i in groups["boolean"]]),
        integers=knots([v for i in groups["integer"] if isinstance(v := values[i], int)], whose["integer"], rule.k),
        floats=knots([v for i in groups["float"] if isinstance(v := values[i], float)], whose["float"], rule.k),
        decimals=max((_decimals(v) for i in groups["float"] if isinstance(v := values[i], float)), default=0),
    )
    strings = [v for i in groups["string"] if isinstance(v := values[i], str)]
    objects = [v for i in groups["object"] if isinstance(v := values[i], dict)]
    lists = [v for i in groups["array"] if isinstance(v := values[i], list)]
    node = _with_strings(node, strings, whose["string"], rule)
    node = _with_keys(node, objects, whose["object"], rule, depth)
    return _with_items(node, lists, whose["array"], rule, depth)


def quoted(texts: pa.Array) -> pa.Array:
    """JSON string literals."""
    plain = pc.replace_substring_regex(texts, r"[\x00-\x1f\x7f]", " ")
    escaped = pc.replace_substring(pc.replace_substring(plain, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise('"', escaped, '"', "")


def variant_of(node: Node, document: Json) -> int:
    """The number of the variant whose keys a document has; the most frequent one if none."""
    if not isinstance(document, dict) or not node.variants:
        return 0
    present = tuple(key in document for key in node.keys)
    return node.variants.index(present) if present in node.variants else 0


def _type_of(value: Json, depth: int) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer" if abs(value) < 2**53 else "null"
        case float():
            return "float" if np.isfinite(value) else "null"
        case str():
            return "string"
        case _ if depth >= _DEEPEST:
            return "null"
        case dict():
            return "object"
        case _:
            return "array"


def _weights(whose: Mapping[str, Ints], k: int) -> tuple[float, ...]:
    """How often each type occurs; one that fewer than k entities use counts only where there is no other."""
    rows = {name: float(len(owners)) for name, owners in whose.items()}
    shared = {name: float(len(o)) if len(np.unique(o)) >= k else 0.0 for name, o in whose.items()}
    return tuple((shared if any(shared.values()) else rows).values())


def _with_strings(node: Node, strings: list[str], owners: Ints, rule: Rule) -> Node:
    if not strings:
        return node
    if () in rule.personal:
        return replace(node, made=rule.personal[()])
    array = pa.array(strings, pa.string())
    codec = TextCodec.fit(array, rule.k, owners, private=rule.private)
    weights = np.bincount(codec.encode(array), minlength=codec.size)
    return replace(node, text=codec, text_weights=tuple(map(float, weights)))


def _with_keys(node: Node, documents: list[dict[str, Json]], owners: Ints, rule: Rule, depth: int) -> Node:
    k = rule.k
    holders: dict[str, set[int]] = defaultdict(set)
    for document, owner in zip(documents, owners.tolist(), strict=True):
        for key in document:
            if len(holders[key]) < k:
                holders[key].add(owner)
    keys = tuple(key for key, who in holders.items() if len(who) >= k)[:_MOST_KEYS]
    if not keys:
        return node
    rows = {key: [i for i, document in enumerate(documents) if key in document] for key in keys}
    children = tuple(
        learn([documents[i][key] for i in at], owners[at], rule.below(key), depth + 1) for key, at in rows.items()
    )
    variants = _variants(keys, documents, k, owners)
    return replace(
        node, keys=keys, children=children, variants=tuple(variants), variant_weights=tuple(variants.values())
    )


def _variants(
    keys: tuple[str, ...], documents: list[dict[str, Json]], k: int, owners: Ints
) -> dict[tuple[bool, ...], float]:
    """Sets of keys that at least k entities have, with their frequency; if there is none, what most documents have."""
    counts: dict[tuple[bool, ...], list[int]] = defaultdict(list)
    for i, document in enumerate(documents):
        counts[tuple(key in document for key in keys)].append(i)
    kept = {v: float(len(at)) for v, at in counts.items() if len(np.unique(owners[at])) >= k}
    most = tuple(sum(key in document for document in documents) * 2 >= len(documents) for key in keys)
    return dict(sorted(kept.items(), key=lambda pair: -pair[1])[:_MOST_VARIANTS]) or {most: 1.0}


def _with_items(node: Node, lists: list[list[Json]], owners: Ints, rule: Rule, depth: int) -> Node:
    if not lists:
        return node
    sizes = np.array([len(found) for found in lists])
    items = [item for found in lists for item in found]
    item = learn(items, np.repeat(owners, sizes), rule, depth + 1)
    return replace(node, lengths=knots(sizes.tolist(), owners, rule.k), item=item)


def knots(numbers: Sequence[float], owners: Ints, k: int) -> tuple[float, ...]:
    """Where the numbers lie, at equal steps: means of some thirty groups of neighbours, each of at least k entities.

    Of fewer than k entities only the magnitude is told.
    """
    if not len(numbers):
        return (0.0, 0.0)
    finite = np.clip(np.array(numbers, dtype=np.float64), -1e300, 1e300)
    groups = _groups(np.argsort(finite, kind="stable"), owners, k)
    if not groups:
        magnitude = float(f"{float(np.median(finite)):.0e}")
        return (magnitude, magnitude)
    means = [float(np.mean(finite[group])) for group in groups]
    return tuple(means) if len(means) > 1 else (means[0], means[0])


def _groups(order: Ints, owners: Ints, k: int) -> list[list[int]]:
    """Rows in that order, cut into groups of at least k entities; none where there are fewer."""
    fewest = max(int(np.ceil(len(order) / _KNOTS)), 1)
    groups: list[list[int]] = []
    held: set[int] = set()
    for row in order.tolist():
        if not groups or (len(groups[-1]) >= fewest and len(held) >= k):
            groups.append([])
            held = set()
        groups[-1].append(row)
        held.add(int(owners[row]))
    if len(held) < k:
        last = groups.pop()
        if groups:
            groups[-1] += last
    return groups


def between(knots: tuple[float, ...], n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """n numbers spread as the quantiles say."""
    at = rng.random(n) * (len(knots) - 1)
    return np.asarray(np.interp(at, np.arange(len(knots)), np.array(knots)), dtype=np.float64)


def _share_true(flags: list[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.5


def _decimals(number: float) -> int:
    return min(len(repr(number).partition(".")[2]), 6) if "e" not in repr(number) else 6


def _nulls(n: int, rng: np.random.Generator) -> pa.Array:
    return pa.repeat(pa.scalar("null"), n)
