"""What is added to the real rows before learning: types of dates and parents, levels, counts, links, pointers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dbclone.models.encoding import ColumnStep, measured_feature
from dbclone.models.endings import last_dates, last_of, rising_date
from dbclone.models.features import CodedFeature, MeasuredFeature
from dbclone.models.grouping import (
    NO_ROWS,
    Profiles,
    cluster,
    group_means,
    indicators,
    mid_ranks,
    profile,
    spectral,
    traits,
)
from dbclone.models.known_parents import known_parents, ways_to_know
from dbclone.models.label_sets import label_sets
from dbclone.models.linkage import find_restriction, link_codes, new_meetings, same_as_previous
from dbclone.models.observation import Observation, Observed, upward
from dbclone.models.relations import Relation
from dbclone.models.rows import Path, opening
from dbclone.models.shared_dates import shared_dates
from dbclone.models.steps import Restriction, Scale
from dbclone.plan import ReferenceRole, TableRole

MANY = 2_000
"""Linked parents from which there may be 100 types of them instead of 40."""
LOCAL_TYPES = 16
"""Types of parents where the candidates are restricted to a small group anyway."""
_LONG = 12.0
"""Children per parent from which a parent's mean tells more than its type."""
_BETWEEN = 0.1
"""Share of a column's variance that lies between parents."""
_MOST_LEVELS = 4
_LEAST_VALUES, _LEAST_SHARE = 64, 10
"""Distinct dates, and rows per date, from which dates have types."""
DEEPEST = 12
"""Levels of a self-reference that are told apart."""


def add_hidden(seen: Observation) -> None:
    """Add to all tables what is not a column: types, levels, counts, links, pointers."""
    for observed in seen.tables.values():
        observed.columns = tuple(_with_types(observed, c) for c in observed.columns)
        observed.date = rising_date(observed)
        for relation in observed.relations:
            if relation.direct and observed.plan.role is TableRole.SYNTHESISE:
                _add_direct(seen, observed, relation)
    for observed in reversed(list(seen.tables.values())):
        if observed.plan.role is TableRole.SYNTHESISE:
            for relation in observed.relations:
                _add_relation(seen, observed, relation)


def _add_relation(seen: Observation, observed: Observed, r: Relation) -> None:
    rows, parent = observed.rows, seen.tables[r.parent]
    up = rows.parents[r.id]
    if r.role is ReferenceRole.NULLED or r.direct:
        return
    if r.path:
        rows.codes[f"pointer:{r.id}"] = (up >= 0).astype(np.int32)
        _put_coded(observed, f"pointer:{r.id}")
    elif r.role is ReferenceRole.OWNER:
        counts = np.bincount(up[up >= 0], minlength=parent.rows.n).astype(np.float64)
        _put_types(seen, observed, r, counts, 40)
        _put_levels(observed, parent, r)
        _put_count(parent, r.id, counts)
        _put_labels(observed, parent, r)
        _put_shared(seen, observed, r)
        _put_last(observed, parent, r)
    elif r.role is ReferenceRole.LINK:
        _add_link(seen, observed, r)
    else:
        _add_pointer(seen, observed, r)


def _add_direct(seen: Observation, observed: Observed, r: Relation) -> None:
    up = observed.rows.parents[r.id]
    codes = (up + 1).astype(np.int32)
    observed.rows.codes[f"link:{r.id}"] = codes
    _put_coded(observed, f"link:{r.id}")
    which = _known(seen, observed, r, np.zeros(len(up), dtype=bool))
    if observed.known[r.id]:
        told = seen.tables[r.parent].rows.n + 1 + which
        observed.direct_codes[r.id] = np.where(which >= 0, told, codes).astype(np.int32)


def _known(seen: Observation, observed: Observed, r: Relation, told: np.ndarray) -> np.ndarray:
    """Keep the ways to know the parent; which of them holds in each row (int64[n], −1: none)."""
    links = [o for o in observed.relations if o.role is ReferenceRole.LINK and not o.path]
    owner = observed.owner
    above = (owner.parent, observed.rows.parents[owner.id]) if owner else None
    opens = opening(observed.family)
    ways = list(ways_to_know(seen.database, upward(seen, copied=True), above, links, r, opens=opens))
    observed.known[r.id], which = known_parents(ways, observed.rows.parents[r.id], told, observed.guard)
    return which


def _add_link(seen: Observation, observed: Observed, r: Relation) -> None:
    rows, parent = observed.rows, seen.tables[r.parent]
    up = rows.parents[r.id]
    restriction = _restriction(seen, observed, r)
    if restriction is not None:
        observed.restrictions[r.id] = restriction
    degree = np.bincount(up[up >= 0], minlength=parent.rows.n)
    most = LOCAL_TYPES if restriction else 100 if parent.rows.n >= MANY else 40
    types = _put_types(seen, observed, r, degree, most)
    observed.types[r.id] = int(types.max(initial=0)) + 1
    known = _known(seen, observed, r, same_as_previous(observed.family, up))
    codes = link_codes(observed.family, up, types, known)
    rows.codes[f"link:{r.id}"] = codes
    _put_coded(observed, f"link:{r.id}")
    _put_count(parent, r.id, new_meetings(codes, up, parent.rows.n, observed.types[r.id]))


def _restriction(seen: Observation, observed: Observed, r: Relation) -> Restriction | None:
    """A column shared with the owner or an earlier link, else a common ancestor found in the data."""
    earlier = observed.relations[: observed.relations.index(r)]
    for other in earlier:
        if other.role in (ReferenceRole.OWNER, ReferenceRole.LINK):
            shared = [c for c in r.key.columns if c in other.key.columns]
            if shared and not other.path:
                return shared_columns(r, other, shared)
    up = observed.rows.parents[r.id]
    sibling = np.full(len(up), -1, dtype=np.int64)
    sibling[1:] = np.where(observed.family[1:] == observed.family[:-1], up[:-1], -1)
    sources = [
        ("owner" if o.role is ReferenceRole.OWNER else o.id, o.parent, observed.rows.parents[o.id])
        for o in earlier
        if o.role in (ReferenceRole.OWNER, ReferenceRole.LINK) and not o.direct and not o.path
    ]
    sources.append(("sibling", r.parent, sibling))
    return find_restriction(seen.database, upward(seen, copied=True), sources, (r.parent, up))


def shared_columns(r: Relation, other: Relation, shared: list[str]) -> Restriction:
    """The parents of two overlapping foreign keys agree in the shared columns."""
    left = tuple(other.key.parent_columns[other.key.columns.index(c)] for c in shared)
    right = tuple(r.key.parent_columns[r.key.columns.index(c)] for c in shared)
    source = "owner" if other.role is ReferenceRole.OWNER else other.id
    return Restriction(source, Path((), ""), Path((), ""), left, right)


def _put_types(seen: Observation, observed: Observed, r: Relation, children: np.ndarray, most: int) -> np.ndarray:
    parent = seen.tables[r.parent]
    types = np.zeros(parent.rows.n, dtype=np.int64)
    if parent.plan.role is TableRole.SYNTHESISE and parent.rows.n:
        local = r.id in observed.restrictions
        behaviour, met = _profile(seen, observed, r, local)
        parts = [behaviour.parents, met]
        if r.role is ReferenceRole.LINK:
            parts.append(_traits(parent, observed, r, local))
        clusters = cluster(np.concatenate(parts, axis=1), children, most, fewest=parent.guard.k)
        types = clusters.types
        if r.role is ReferenceRole.OWNER:
            up = np.maximum(observed.rows.parents[r.id][observed.sampled], 0)
            observed.others_types = clusters.of(np.concatenate([behaviour.children, met[up]], axis=1)) + 1
        parent.rows.codes[f"type:{r.id}"] = (types + 1).astype(np.int32)
        _put_coded(parent, f"type:{r.id}")
    return types


def _traits(parent: Observed, observed: Observed, r: Relation, local: bool) -> np.ndarray:
    """The linked parents' own columns, weighted by how much families differ in them."""
    rows = parent.rows
    names = [c.step for c in parent.columns if not c.measured]
    names += [f"link:{o.id}" for o in parent.relations if o.direct]
    columns = [column for name in names for column in indicators(rows.codes[name])]
    columns += [mid_ranks(rows.numbers[c.step]) for c in parent.columns if c.measured]
    return traits(columns, rows.n, observed.rows.parents[r.id], observed.family, 2.0 if local else 0.15)


def _profile(seen: Observation, observed: Observed, r: Relation, local: bool) -> tuple[Profiles, np.ndarray]:
    """What the children of each parent are like, and whom they meet."""
    rows = observed.rows
    up = rows.parents[r.id]
    n = seen.tables[r.parent].rows.n
    coded = [rows.codes[c.step] for c in observed.columns if not c.measured]
    coded += [rows.codes[f"link:{o.id}"] for o in observed.relations if o.direct and f"link:{o.id}" in rows.codes]
    measured = [rows.numbers[c.step] for c in observed.columns if c.measured]
    if r.role is ReferenceRole.OWNER:
        coded += [_unchanged(observed, c.step) for c in observed.columns if c.measured and not c.scale.temporal]
    parts = [np.zeros((n, 0))]
    for other in () if local else observed.relations:
        if other.id != r.id and other.role in (ReferenceRole.OWNER, ReferenceRole.LINK):
            m = seen.tables[other.parent].rows.n
            parts.append(spectral(up, rows.parents[other.id], n, m)[0])
    owned = observed.sampled if r.role is ReferenceRole.OWNER else NO_ROWS
    return profile(up, n, coded, measured, rows=owned), np.concatenate(parts, axis=1)


def _unchanged(observed: Observed, step: str) -> np.ndarray:
    """1 where a number is the previous sibling's, else 0; int32[n].  (A salary stays, a card's total never does.)"""
    numbers, family = observed.rows.numbers[step], observed.family
    same = np.zeros(len(family), dtype=np.int32)
    same[1:] = (family[1:] == family[:-1]) & (numbers[1:] == numbers[:-1])
    return same


def _add_pointer(seen: Observation, observed: Observed, r: Relation) -> None:
    up = observed.rows.parents[r.id]
    restriction = _pointer_restriction(seen, observed, r)
    if restriction is not None:
        observed.restrictions[r.id] = restriction
    itself = np.arange(len(up)) == up if r.role is ReferenceRole.SELF else np.zeros(len(up), dtype=bool)
    level = levels(up) if r.role is ReferenceRole.SELF else (up >= 0).astype(np.int64)
    codes = np.where(itself, 1, np.where(up < 0, 0, 1 + np.minimum(level, DEEPEST)))
    observed.rows.codes[f"pointer:{r.id}"] = codes.astype(np.int32)
    _put_coded(observed, f"pointer:{r.id}")
    parent = seen.tables[r.parent]
    _put_count(parent, r.id, np.bincount(up[(up >= 0) & ~itself], minlength=parent.rows.n).astype(np.float64))


def _pointer_restriction(seen: Observation, observed: Observed, r: Relation) -> Restriction | None:
    shared = [c for c in r.key.columns if any(c in o.key.columns for o in observed.relations if o.id != r.id)]
    if shared:
        right = tuple(r.key.parent_columns[r.key.columns.index(c)] for c in shared)
        return Restriction("self", Path((), ""), Path((), ""), tuple(shared), right)
    up = observed.rows.parents[r.id]
    sources = [("self", observed.plan.table, np.arange(len(up)))]
    return find_restriction(seen.database, upward(seen), sources, (r.parent, up))


def levels(up: np.ndarray) -> np.ndarray:
    """Depth of each row below the rows that have no parent or are their own; a cycle counts as cut somewhere."""
    level = np.zeros(len(up), dtype=np.int64)
    root = (up < 0) | (up == np.arange(len(up)))
    known = root.copy()
    while not known.all():
        fresh = ~known & known[np.maximum(up, 0)]
        if not fresh.any():
            fresh = np.zeros(len(up), dtype=bool)
            fresh[np.flatnonzero(~known)[0]] = True
            level[fresh] = 1
            known |= fresh
            continue
        level[fresh] = level[up[fresh]] + 1
        known |= fresh
    return level


def _with_types(observed: Observed, column: ColumnStep) -> ColumnStep:
    """A date that many rows share shows, besides, to which type of dates it belongs (sale days, holidays)."""
    rows = observed.rows
    raw = rows.numbers.get(column.step)
    if raw is None or not column.scale.temporal or not isinstance(column.feature, MeasuredFeature):
        return column
    held = ~np.isnan(raw)
    known, at, counts = np.unique(raw[held], return_inverse=True, return_counts=True)
    shared = observed.guard.take(held).held(at, len(known))
    if len(known) < _LEAST_VALUES or held.sum() < _LEAST_SHARE * len(known):
        return column
    value = np.full(rows.n, -1, dtype=np.int64)
    value[held] = at
    others = [c for c in observed.columns if c.column != column.column]
    coded = [rows.codes[c.step] for c in others if not c.measured]
    measured = [rows.numbers[c.step] for c in others if c.measured]
    types = cluster(profile(value, len(known), coded, measured).parents, counts, 60, least=8).types
    feature = replace(column.feature, known=known[shared], types=(types[shared] + 1).astype(np.uint8))
    rows.bytes[column.step] = feature.view(raw)
    return replace(column, feature=feature)


def _put_levels(observed: Observed, parent: Observed, r: Relation) -> None:
    """Where families are long, each parent's mean of the columns that differ most between parents (random effects)."""
    up = observed.rows.parents[r.id]
    held = up >= 0
    counts = np.bincount(up[held], minlength=parent.rows.n)
    if not (counts > 0).any() or counts[counts > 0].mean() < _LONG or parent.plan.role is not TableRole.SYNTHESISE:
        return
    found = []
    for column in observed.columns:
        if column.measured and not column.scale.temporal and not column.clock:
            numbers = observed.rows.numbers[column.step]
            level, share = group_means(numbers[held], up[held], parent.rows.n)
            if share >= _BETWEEN:
                found.append((share, column, level))
    for _, column, level in sorted(found, key=lambda f: -f[0])[:_MOST_LEVELS]:
        step, scale = f"level:{r.id}:{column.column}", replace(column.scale, lattice=False)
        feature = measured_feature(level, scale, parent.guard)
        parent.rows.numbers[step], parent.rows.bytes[step] = level, feature.view(level)
        parent.hidden[step] = (feature, scale)


def _put_labels(observed: Observed, parent: Observed, r: Relation) -> None:
    """Which labels the children of each parent have, together."""
    if parent.plan.role is TableRole.SYNTHESISE:
        for column, sets, codes in label_sets(observed, r, parent.rows.n, parent.guard):
            observed.label_sets[column.step] = sets
            parent.rows.codes[sets.step] = codes
            _put_coded(parent, sets.step)


def _put_shared(seen: Observation, observed: Observed, r: Relation) -> None:
    """Whether a row's date is one of another table's dates for the same owner."""
    found = shared_dates(seen, observed, r)
    if found is not None:
        observed.shared, codes = found
        observed.rows.codes[observed.shared.gate] = codes
        _put_coded(observed, observed.shared.gate)


def _put_last(observed: Observed, parent: Observed, r: Relation) -> None:
    """The date up to which the children of each parent go on."""
    date = observed.date
    if date is None or parent.plan.role is not TableRole.SYNTHESISE:
        return
    last = last_dates(observed, date, parent.rows.n)
    if last is not None:
        step = last_of(r)
        feature = measured_feature(last, date.scale, parent.guard)
        parent.rows.numbers[step], parent.rows.bytes[step] = last, feature.view(last)
        parent.hidden[step] = (feature, date.scale)


def _put_coded(observed: Observed, step: str) -> None:
    feature = CodedFeature()
    observed.rows.bytes[step] = feature.view(observed.rows.codes[step])
    observed.hidden[step] = (feature, Scale())


def _put_count(parent: Observed, reference: str, counts: np.ndarray) -> None:
    if parent.plan.role is not TableRole.SYNTHESISE:
        return
    step, scale = f"count:{reference}", Scale()
    feature = measured_feature(counts, scale, parent.guard)
    parent.rows.numbers[step] = counts
    parent.rows.bytes[step] = feature.view(counts)
    parent.hidden[step] = (feature, scale)
