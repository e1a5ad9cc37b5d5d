"""Fitted steps and drawn parents as the arrays that the compiled loop reads (models.layout)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbclone.columns.temporal import DAY
from dbclone.models.counting import conversion
from dbclone.models.features import MeasuredFeature
from dbclone.models.layout import (
    ALIKE,
    BOUND,
    BY_FAMILY,
    BY_LINK,
    BY_OWNER,
    BY_SIBLING,
    KNOWN,
    LINK_FIELDS,
    LINKED,
    LOOKUP,
    NODE,
    OWNER,
    PACED,
    SAME_ROW,
    SIBLING,
    STEP,
    TREE,
    UNRESTRICTED,
    VARIANT,
    Program,
)
from dbclone.models.linkage import Slots, make_slots
from dbclone.models.rows import Database, follow, gather_bytes, gather_numbers
from dbclone.models.sieve import Sieve
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


class _Pool:
    """Arrays of one type laid end to end."""

    def __init__(self, dtype: type) -> None:
        self._dtype = dtype
        self._parts: list[np.ndarray] = [np.zeros(0, dtype)]
        self.size = 0

    def add(self, values: np.ndarray) -> int:
        """Append the values; where they begin."""
        self._parts.append(np.ascontiguousarray(values).ravel().astype(self._dtype))
        self.size += self._parts[-1].size
        return self.size - self._parts[-1].size

    def joined(self) -> np.ndarray:
        return np.concatenate(self._parts)


class _Pools:
    def __init__(self) -> None:
        self.reals, self.wholes, self.octets = _Pool(np.float64), _Pool(np.int64), _Pool(np.uint8)


def build(table: TableSteps, database: Database, groups: Sequence[Groups | None], rng: np.random.Generator) -> Program:
    """The program of a table, given the drawn rows of its parents and the grouping of each link's candidates."""
    trees = [v.tree for s in table.steps for v in s.variants if v.tree is not None]
    pools = _Pools()
    links, knowns = _links(table, database, groups, rng, pools), _knowns(table, database, pools)
    own, linked = sum(s.feature.width for s in table.steps), int(links["bytes_n"].sum())
    records = _steps(table, pools), _variants(table, pools), _bounds(table), links, knowns
    ends = pools.reals.joined(), pools.wholes.joined(), pools.octets.joined()
    paced, kind = _number_or_none(table, table.paced), _number_or_none(table, table.kind)
    shared, gate = (table.shared.step, table.shared.gate) if table.shared is not None else ("", "")
    marks = (paced, kind, _number_or_none(table, shared), _number_or_none(table, gate))
    return Program(*_trees(trees), *records, *ends, own, linked, *marks)


def _trees(trees: Sequence[Tree]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, masks, codes and roots of all trees, end to end."""
    before = np.cumsum([0, *(len(t.feature) for t in trees)])
    codes_before = np.cumsum([0, *(len(t.codes) for t in trees)])
    nodes = np.zeros(int(before[-1]), dtype=NODE)
    for i, t in enumerate(trees):
        mine = nodes[before[i] : before[i + 1]]
        mine["feature"] = t.feature
        for name, by in (("left", before[i]), ("right", before[i]), ("parent", before[i])):
            place = getattr(t, name).astype(np.int64)
            mine[name] = np.where(place >= 0, place + by, -1)
        mine["start"], mine["end"], mine["climb"] = t.start + codes_before[i], t.end + codes_before[i], t.climb
    roots = np.zeros(len(trees), dtype=TREE)
    roots["root"] = before[:-1]
    masks = np.concatenate([np.zeros((0, 4), np.uint64), *(t.mask for t in trees)])
    return nodes, masks, np.concatenate([np.zeros(0, np.int32), *(t.codes for t in trees)]), roots


def _steps(table: TableSteps, pools: _Pools) -> np.ndarray:
    steps = np.zeros(len(table.steps), dtype=STEP)
    link_number = {f"link:{link.reference}": j for j, link in enumerate(table.links)}
    feature_at = variant_at = bound_at = labelled = 0
    for record, step in zip(steps, table.steps, strict=True):
        record["kind"], record["feature_at"], record["link"] = step.kind, feature_at, link_number.get(step.name, -1)
        record["first_variant"], record["variants"] = variant_at, len(step.variants)
        record["first_bound"], record["bounds"] = bound_at, len(step.bounds)
        record["lattice"], record["low"], record["high"] = step.scale.lattice, step.low, step.high
        if step.counts_on:
            record["high"] = np.inf
        if isinstance(step.feature, MeasuredFeature):
            _feature(record, step.feature, pools)
        if not step.name.startswith("time:"):  # that of a day and its time of day is for both together
            _sieve(record, step.sieve, pools)
        record["days"], record["month_days"] = step.scale.temporal and step.scale.unit == DAY, step.month_days
        record["temporal"], record["once"] = step.scale.temporal, step.once
        record["ends"] = -1 if step.ends is None else table.numbers.index(step.ends)
        record["labels"] = -1
        if step.labels is not None:
            record["labels"], labelled = labelled, labelled + 1
        record["null_source"] = -1
        if step.nulls is not None:
            record["null_source"] = _step_number(table.steps, step.nulls.source)
            record["null_at"], record["null_n"] = pools.reals.add(step.nulls.known), len(step.nulls.known)
            record["empty_at"] = pools.octets.add(step.nulls.empty)
        feature_at += step.feature.width
        variant_at += len(step.variants)
        bound_at += len(step.bounds)
    return steps


def _sieve(record: np.void, sieve: Sieve, pools: _Pools) -> None:
    record["cells"] = len(sieve.moduli)
    for name in ("cuts", "moduli", "classes", "kept"):
        record[f"{name}_at"] = pools.reals.add(getattr(sieve, name))
    record["kept_n"] = len(sieve.kept)


def _feature(record: np.void, feature: MeasuredFeature, pools: _Pools) -> None:
    record["parts"], record["unit"], record["origin"] = feature.parts, feature.unit, feature.origin
    record["edges_at"], record["edges_n"] = pools.reals.add(feature.edges), len(feature.edges)
    record["known_at"], record["known_n"] = pools.reals.add(feature.known), len(feature.known)
    record["types_at"] = pools.octets.add(feature.types)


def _variants(table: TableSteps, pools: _Pools) -> np.ndarray:
    pairs = [(s, v) for s in table.steps for v in s.variants]
    records = np.zeros(len(pairs), dtype=VARIANT)
    tree = 0
    for record, (step, variant) in zip(records, pairs, strict=True):
        record["reference"], record["source"], record["link"] = variant.reference, _source(table, variant), variant.link
        record["scale"], record["shift"] = conversion(variant.scale, step.scale)
        if variant.atoms is not None:
            record["low_at"] = pools.reals.add(variant.atoms.low)
            record["high_at"] = pools.reals.add(variant.atoms.high)
        record["known_at"], record["known_n"] = pools.reals.add(variant.known), len(variant.known)
        record["starts_at"] = pools.wholes.add(variant.starts)
        record["determined_at"] = pools.reals.add(variant.determined)
        record["tree"] = tree
        days = step.scale.temporal and step.scale.unit == DAY
        record["usual_at"] = pools.octets.add(variant.usual) if days and variant.usual.any() else -1
        tree += variant.tree is not None
    return records


def _bounds(table: TableSteps) -> np.ndarray:
    pairs = [(s, b) for s in table.steps for b in s.bounds]
    records = np.zeros(len(pairs), dtype=BOUND)
    for record, (step, bound) in zip(records, pairs, strict=True):
        record["reference"], record["source"], record["link"] = bound.reference, _source(table, bound), bound.link
        record["upper"] = bound.upper
        record["scale"], record["shift"] = conversion(bound.scale, step.scale)
    return records


def _number_or_none(table: TableSteps, name: str) -> int:
    return _step_number(table.steps, name) if name else -1


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


def _links(
    table: TableSteps,
    database: Database,
    groups: Sequence[Groups | None],
    rng: np.random.Generator,
    pools: _Pools,
) -> np.ndarray:
    records = np.zeros(len(table.links), dtype=LINK_FIELDS)
    bytes_at = met_at = pointer_at = first_known = 0
    for record, link, group in zip(records, table.links, groups, strict=True):
        record["types"], record["distinct"], record["nullable"] = link.types, link.distinct, link.nullable
        record["restriction"], record["source"] = _restriction(link), _other(table, link)
        record["bytes_at"], record["met_at"], record["pointer_at"] = bytes_at, met_at, pointer_at
        _candidates(record, _slots(link, database, group, rng), pools)
        _parents(record, table, link, database, (group, groups), pools=pools)
        _anchor(record, table, link, pools)
        bytes_at += int(record["bytes_n"])
        met_at += int(record["parents"])
        pointer_at += int(record["segments"])
        record["first_known"], record["knowns"] = first_known, len(link.known)
        first_known += len(link.known)
    return records


def _knowns(table: TableSteps, database: Database, pools: _Pools) -> np.ndarray:
    """The ways to know the parents of all links, end to end."""
    known = [known for link in table.links for known in link.known]
    records = np.zeros(len(known), dtype=KNOWN)
    number = {link.reference: j for j, link in enumerate(table.links)}
    for record, way in zip(records, known, strict=True):
        record["source"], record["link"] = way.source, -1
        if way.source != BY_OWNER:
            record["link"] = number[way.reference]
            there = follow(database, table.links[number[way.reference]].parent, way.hops)
            record["rows_at"] = pools.wholes.add(there)
    return records


def _anchor(record: np.void, table: TableSteps, link: Link, pools: _Pools) -> None:
    anchor = link.anchor
    record["anchor"] = -1 if anchor is None else _step_number(table.steps, anchor.step)
    if anchor is None:
        return
    record["anchor_source"] = link.numbers.index(anchor.source)
    scale = table.steps[int(record["anchor"])].scale
    record["anchor_scale"], record["anchor_shift"] = conversion(anchor.scale, scale)
    record["anchor_low_at"] = pools.reals.add(anchor.distances.low)
    record["anchor_high_at"] = pools.reals.add(anchor.distances.high)
    record["anchor_share_at"], record["anchor_n"] = pools.reals.add(anchor.shares), len(anchor.shares)


def _candidates(record: np.void, made: Slots, pools: _Pools) -> None:
    slots, candidates = pools.wholes.add(made.slots), pools.wholes.add(made.candidates)
    record["segment_at"], record["segments"] = pools.wholes.add(made.segments + slots), len(made.segments)
    record["group_at"], record["groups"] = pools.wholes.add(made.groups + candidates), len(made.groups) - 1


def _parents(
    record: np.void,
    table: TableSteps,
    link: Link,
    database: Database,
    grouping: tuple[Groups | None, Sequence[Groups | None]],
    *,
    pools: _Pools,
) -> None:
    n = database[link.parent].n
    own, every = grouping
    block = gather_bytes(database, link.parent, link.context)
    numbers = gather_numbers(database, link.parent, link.numbers)
    record["parents"] = n
    record["parent_group_at"] = pools.wholes.add(own.parent_group if own else np.zeros(n))
    record["parent_type_at"] = pools.wholes.add(_types(link, database))
    record["via_at"] = pools.wholes.add(_via(table, link, every, n))
    record["bytes_n"], record["block_at"] = len(block), pools.octets.add(block.T)
    record["numbers_n"], record["numbers_at"] = numbers.shape[1], pools.reals.add(numbers)


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


def _via(table: TableSteps, link: Link, groups: Sequence[Groups | None], n: int) -> np.ndarray:
    """Group that each row of the link's parent names for the link that it restricts (one at most)."""
    for other, group in zip(table.links, groups, strict=True):
        named = other.restriction.source if other.restriction else ""
        if named == link.reference and _restriction(other) == BY_LINK and group is not None:
            return group.source_group
    return np.full(n, -1, dtype=np.int64)
