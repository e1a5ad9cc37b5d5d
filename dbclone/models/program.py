"""Fitted steps and drawn parents as the flat arrays that the compiled loop reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbclone.models.counting import conversion
from dbclone.models.features import MeasuredFeature
from dbclone.models.layout import (
    ALIKE,
    BY_FAMILY,
    BY_LINK,
    BY_SIBLING,
    LINKED,
    LOOKUP,
    OWNER,
    PACED,
    SAME_ROW,
    SIBLING,
    UNRESTRICTED,
    Bounds,
    Links,
    Nulls,
    Program,
    Steps,
    Trees,
    Variants,
)
from dbclone.models.linkage import Slots, make_slots
from dbclone.models.rows import Database, gather_bytes, gather_numbers
from dbclone.models.steps import Bound, Link, Step, TableSteps, Variant
from dbclone.models.tree import Tree


@dataclass(frozen=True)
class Groups:
    """How a link's candidates are grouped in this run."""

    parent_group: np.ndarray
    """int64[parents]; −1: in no group."""
    source_group: np.ndarray
    """int64[rows of the source]: the group that the owner's or the other link's row names."""
    number: int


def build(table: TableSteps, database: Database, groups: Sequence[Groups | None], rng: np.random.Generator) -> Program:
    """The program of a table, given the drawn rows of its parents and the grouping of each link's candidates."""
    trees = [v.tree for s in table.steps for v in s.variants if v.tree is not None]
    widths = [s.feature.width for s in table.steps]
    links = _links(table, database, groups, rng)
    own, linked = int(sum(widths)), int(links.bytes_n.sum())
    paced, kind = _number_or_none(table, table.paced), _number_or_none(table, table.kind)
    rules = _bounds(table), _nulls(table)
    return Program(_trees(trees), _steps(table), _variants(table), *rules, links, own, linked, paced, kind)


def _number_or_none(table: TableSteps, name: str) -> int:
    return _step_number(table.steps, name) if name else -1


def _trees(trees: Sequence[Tree]) -> Trees:
    nodes = np.cumsum([0, *(len(t.feature) for t in trees)])
    codes = np.cumsum([0, *(len(t.codes) for t in trees)])

    def shifted(name: str, by: np.ndarray) -> np.ndarray:
        parts = [getattr(t, name).astype(np.int64) for t in trees]
        return _join([np.where(p >= 0, p + by[i], -1) for i, p in enumerate(parts)], np.int64)

    return Trees(
        _join([t.feature for t in trees], np.int32),
        np.concatenate([np.zeros((0, 4), np.uint64), *(t.mask for t in trees)]),
        shifted("left", nodes),
        shifted("right", nodes),
        shifted("parent", nodes),
        shifted("start", codes),
        shifted("end", codes),
        _join([t.codes for t in trees], np.int32),
        nodes[:-1].astype(np.int64),
        np.array([t.shrinkage for t in trees], dtype=np.float64),
    )


def _join(parts: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)


def _steps(table: TableSteps) -> Steps:
    steps = table.steps
    link_number = {f"link:{link.reference}": j for j, link in enumerate(table.links)}
    features = [s.feature if isinstance(s.feature, MeasuredFeature) else MeasuredFeature(np.zeros(0)) for s in steps]
    variants = [len(s.variants) for s in steps]
    edges = [len(f.edges) for f in features]

    def each(values: Sequence[float], dtype: type) -> np.ndarray:
        return np.array(values, dtype=dtype)

    return Steps(
        each([s.kind for s in steps], np.int64),
        _before([s.feature.width for s in steps]),
        _before(variants),
        each(variants, np.int64),
        each([link_number.get(s.name, -1) for s in steps], np.int64),
        each([s.scale.lattice for s in steps], np.bool_),
        each([s.low for s in steps], np.float64),
        each([s.high for s in steps], np.float64),
        _before(edges),
        each(edges, np.int64),
        _join([f.edges for f in features], np.float64),
        each([f.parts for f in features], np.int64),
        each([f.unit for f in features], np.float64),
        each([f.origin for f in features], np.float64),
        _before([len(f.known) for f in features]),
        each([len(f.known) for f in features], np.int64),
        _join([f.known for f in features], np.float64),
        _join([f.types for f in features], np.uint8),
    )


def _before(sizes: Sequence[int]) -> np.ndarray:
    return np.cumsum([0, *sizes])[:-1].astype(np.int64)


def _variants(table: TableSteps) -> Variants:
    pairs = [(s, v) for s in table.steps for v in s.variants]
    factors = [conversion(v.scale, s.scale) for s, v in pairs]
    values = _before([len(v.determined) for _, v in pairs])
    return Variants(
        np.array([v.reference for _, v in pairs], dtype=np.int64),
        np.array([_source(table, v) for _, v in pairs], dtype=np.int64),
        np.array([v.link for _, v in pairs], dtype=np.int64),
        np.cumsum([v.tree is not None for _, v in pairs]).astype(np.int64) - 1,
        _before([len(v.atoms.low) if v.atoms else 0 for _, v in pairs]),
        _join([v.atoms.low for _, v in pairs if v.atoms], np.float64),
        _join([v.atoms.high for _, v in pairs if v.atoms], np.float64),
        np.array([f for f, _ in factors], dtype=np.float64),
        np.array([s for _, s in factors], dtype=np.float64),
        _before([len(v.known) for _, v in pairs]),
        np.array([len(v.known) for _, v in pairs], dtype=np.int64),
        _join([v.known for _, v in pairs], np.float64),
        _join([v.starts + by for (_, v), by in zip(pairs, values, strict=True)], np.int64),
        _join([v.determined for _, v in pairs], np.float64),
    )


def _bounds(table: TableSteps) -> Bounds:
    pairs = [(s, b) for s in table.steps for b in s.bounds]
    factors = [conversion(b.scale, s.scale) for s, b in pairs]
    return Bounds(
        np.cumsum([0, *(len(s.bounds) for s in table.steps)]).astype(np.int64),
        np.array([b.reference for _, b in pairs], dtype=np.int64),
        np.array([_source(table, b) for _, b in pairs], dtype=np.int64),
        np.array([b.link for _, b in pairs], dtype=np.int64),
        np.array([f for f, _ in factors], dtype=np.float64),
        np.array([s for _, s in factors], dtype=np.float64),
        np.array([b.upper for _, b in pairs], dtype=np.bool_),
    )


def _nulls(table: TableSteps) -> Nulls:
    rules = [s.nulls for s in table.steps]
    return Nulls(
        np.array([_step_number(table.steps, r.source) if r else -1 for r in rules], dtype=np.int64),
        np.cumsum([0, *(len(r.known) if r else 0 for r in rules)]).astype(np.int64),
        _join([r.known for r in rules if r], np.float64),
        _join([r.empty for r in rules if r], np.uint8),
    )


def _source(table: TableSteps, variant: Variant | Bound) -> int:
    if variant.source is None:
        return 0
    if variant.reference in (SIBLING, SAME_ROW, ALIKE, LOOKUP, PACED):
        return _step_number(table.steps, variant.source.step)
    if variant.reference == OWNER:
        return table.numbers.index(variant.source)
    return table.links[variant.link].numbers.index(variant.source) if variant.reference == LINKED else 0


def _step_number(steps: Sequence[Step], name: str) -> int:
    return next(i for i, s in enumerate(steps) if s.name == name)


def _links(table: TableSteps, database: Database, groups: Sequence[Groups | None], rng: np.random.Generator) -> Links:
    links = table.links
    made = [_slots(link, database, group, rng) for link, group in zip(links, groups, strict=True)]
    n = [database[link.parent].n for link in links]
    blocks = [gather_bytes(database, link.parent, link.context) for link in links]
    numbers = [gather_numbers(database, link.parent, link.numbers) for link in links]
    slot_at = np.cumsum([0, *(len(s.slots) for s in made)])
    candidate_at = np.cumsum([0, *(len(s.candidates) for s in made)])
    groups_of = [g.parent_group if g else np.zeros(size, np.int64) for g, size in zip(groups, n, strict=True)]
    return Links(
        np.array([link.types for link in links], dtype=np.int64),
        np.array([link.distinct for link in links], dtype=np.bool_),
        np.array([link.nullable for link in links], dtype=np.bool_),
        np.array([_restriction(link) for link in links], dtype=np.int64),
        np.array([_other(table, link) for link in links], dtype=np.int64),
        np.cumsum([0, *(len(s.segments) for s in made)]).astype(np.int64),
        _join([s.segments + slot_at[i] for i, s in enumerate(made)], np.int64),
        _join([s.slots for s in made], np.int64),
        np.cumsum([0, *(len(s.groups) for s in made)]).astype(np.int64),
        _join([s.groups + candidate_at[i] for i, s in enumerate(made)], np.int64),
        _join([s.candidates for s in made], np.int64),
        np.cumsum([0, *n]).astype(np.int64),
        _join(groups_of, np.int64),
        _join([_types(link, database) for link in links], np.int64),
        _via(table, groups, n),
        _before([len(b) for b in blocks]),
        np.array([len(b) for b in blocks], dtype=np.int64),
        _before([b.size for b in blocks]),
        _join([np.ascontiguousarray(b.T).ravel() for b in blocks], np.uint8),
        _before([m.size for m in numbers]),
        np.array([m.shape[1] for m in numbers], dtype=np.int64),
        _join([m.ravel() for m in numbers], np.float64),
    )


def _types(link: Link, database: Database) -> np.ndarray:
    codes = database[link.parent].codes.get(f"type:{link.reference}")
    if codes is None:
        return np.zeros(database[link.parent].n, dtype=np.int64)
    return np.clip(codes.astype(np.int64) - 1, 0, link.types - 1)


def _slots(link: Link, database: Database, groups: Groups | None, rng: np.random.Generator) -> Slots:
    rows = database[link.parent]
    group = groups.parent_group if groups else np.zeros(rows.n, dtype=np.int64)
    degree = rows.numbers.get(f"count:{link.reference}", np.zeros(rows.n))
    return make_slots(_types(link, database), link.types, group, groups.number if groups else 1, degree, rng=rng)


def _restriction(link: Link) -> int:
    if link.restriction is None:
        return UNRESTRICTED
    return {"owner": BY_FAMILY, "sibling": BY_SIBLING}.get(link.restriction.source, BY_LINK)


def _other(table: TableSteps, link: Link) -> int:
    source = link.restriction.source if link.restriction else ""
    return next((j for j, other in enumerate(table.links) if other.reference == source), -1)


def _via(table: TableSteps, groups: Sequence[Groups | None], n: Sequence[int]) -> np.ndarray:
    """Group that each row of a link's parent names for the link that is restricted by it (one such link at most)."""
    via = [np.full(size, -1, dtype=np.int64) for size in n]
    for link, group in zip(table.links, groups, strict=True):
        if _restriction(link) == BY_LINK and group is not None:
            via[_other(table, link)] = group.source_group
    return _join(via, np.int64)
