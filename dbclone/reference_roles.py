"""What each foreign key does when rows are generated; above all, which one drives its table.

The owner is chosen by regularity, not by size: the foreign key within whose families the rows follow each other most
predictably (the results of an event by rank, the sales of a shop by day).  Where nothing is regular, structure decides:
what determines the other references, what comes first in the key, what gives families of a workable size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dbclone.determination import Determination, determination
from dbclone.graph import Reference, is_nullable
from dbclone.ordering import SortKey, sort_key
from dbclone.plan import ReferencePlan, ReferenceRole, TableRole
from dbclone.schema import ForeignKey, Table, TableName
from dbclone.survey import TEMPORAL, Survey, referring_columns

MAX_OWNER_NULLS = 0.5
MIN_FAMILIES = 5
"""Parents in use below which a foreign key drives a table only if no other can."""
MODERATE = (2.0, 1_000.0)
"""Rows per parent that make a sequence worth learning, yet not endless."""

UNIQUE = 100.0
REGULARITY = 10.0
DETERMINES = 6.0
CONCENTRATION = 0.5
FAMILIES = 0.7
NULLS = -8.0
IMPLIED = -20.0
COHERENCE = 5.0
EVENNESS = 3.0
"""Weights of the evidence for an owner; structure that always holds outweighs what is merely usual."""
SOMEWHAT_REGULAR = 0.2
PAIRS = 20_000
"""Neighbouring siblings that are looked at."""
COHERENT = 0.95
EVEN = 0.85
"""Share of siblings whose other parents belong together, and of parents with the same number of rows, that count."""

Implied = Mapping[Reference, frozenset[Reference]]
"""For each reference those that follow from it."""


@dataclass(frozen=True)
class ReferenceChoice:
    references: tuple[ReferencePlan, ...]
    order_by: tuple[str, ...]


@dataclass(frozen=True)
class _Candidate:
    reference: Reference
    key: SortKey
    families: int
    mean_size: float
    null_share: float
    score: float


@dataclass(frozen=True)
class Circumstances:
    """What is known about the schema before the references of single tables are looked at."""

    roles: Mapping[TableName, TableRole]
    deferred: frozenset[Reference]
    persons: frozenset[TableName]
    """Tables that are persons or hang from one."""


def choose_references(survey: Survey, table: Table, known: Circumstances) -> ReferenceChoice:
    """Role and reason of every foreign key of the table: owner first, then links, then the fixed ones."""
    fixed = _fixed_plans(table, known)
    free = [Reference(table.name, fk) for fk in table.foreign_keys if all(p.foreign_key != fk for p in fixed)]
    if known.roles[table.name] is not TableRole.SYNTHESISE:
        reason = "copied with its row" if known.roles[table.name] is TableRole.COPY else "the table stays empty"
        return ReferenceChoice((*(ReferencePlan(r.foreign_key, ReferenceRole.LINK, reason) for r in free), *fixed), ())
    implied = _implied(survey, free, known)
    candidates = [_measure(survey, table, r, known, implied) for r in _eligible(survey, free, known)]
    owner = max(_enough_families(candidates), key=lambda c: c.score, default=None)
    links = _links(survey, [r for r in free if owner is None or r != owner.reference], owner, known)
    first = () if owner is None else (_owner_plan(table, owner, implied, len(candidates)),)
    return ReferenceChoice((*first, *links, *fixed), () if owner is None else owner.key.columns)


def _fixed_plans(table: Table, known: Circumstances) -> list[ReferencePlan]:
    """The plans of the keys whose roles do not depend on the data, in declared order.

    A key to an empty table that has no nullable column to itself needs a NULL in one that it shares: the keys that
    share it are always NULL too.
    """
    plans = {fk: plan for fk in table.foreign_keys if (plan := _fixed(table, fk, known)) is not None}
    for fk in [fk for fk, plan in plans.items() if plan.role is ReferenceRole.NULLED]:
        for other in _sharing(table, fk, plans):
            reason = f"shares a column that must be NULL, as {fk.parent} has no rows"
            plans[other] = ReferencePlan(other, ReferenceRole.NULLED, reason)
    return [plans[fk] for fk in table.foreign_keys if fk in plans]


def _sharing(table: Table, fk: ForeignKey, plans: Mapping[ForeignKey, ReferencePlan]) -> list[ForeignKey]:
    nulled = [other for other, plan in plans.items() if plan.role is ReferenceRole.NULLED]
    live = [other for other in table.foreign_keys if other not in nulled]
    nullable = [name for name in fk.columns if table.column(name).nullable]
    sharing = {name: [other for other in live if name in other.columns] for name in nullable}
    return min(sharing.values(), key=len)


def _fixed(table: Table, fk: ForeignKey, known: Circumstances) -> ReferencePlan | None:
    """The plan of a key whose role does not depend on the data."""
    if fk.parent == table.name:
        return ReferencePlan(fk, ReferenceRole.SELF, "refers to its own table")
    if known.roles[fk.parent] is TableRole.EMPTY and is_nullable(table, fk):
        return ReferencePlan(fk, ReferenceRole.NULLED, f"{fk.parent} has no rows")
    if Reference(table.name, fk) in known.deferred:
        reason = "part of a cycle: filled after both tables are loaded"
        return ReferencePlan(fk, ReferenceRole.DEFERRED, reason)
    return None


def _eligible(survey: Survey, free: Sequence[Reference], known: Circumstances) -> list[Reference]:
    """Keys that may drive the table: their parents' rows are new, and most rows have a parent."""
    synthesised = [r for r in free if known.roles[r.parent] is TableRole.SYNTHESISE]
    return [r for r in synthesised if float(np.mean(survey.parents(r) < 0)) <= MAX_OWNER_NULLS]


def _enough_families(candidates: list[_Candidate]) -> list[_Candidate]:
    """Without those that few parents share, unless nothing else is left: a handful of counts cannot be learned from."""
    many = [c for c in candidates if c.families >= MIN_FAMILIES or _is_unique(c.score)]
    return many or [c for c in candidates if c.families > 1]


def _is_unique(score: float) -> bool:
    return score >= UNIQUE / 2


def _measure(survey: Survey, table: Table, reference: Reference, known: Circumstances, implied: Implied) -> _Candidate:
    family = survey.parents(reference)
    key = _sort_key(survey, table, reference)
    filled = family[family >= 0]
    families = len(np.unique(filled))
    mean_size = len(filled) / max(families, 1)
    null_share = 1.0 - len(filled) / max(len(family), 1)
    fk = reference.foreign_key
    score = REGULARITY * max(key.regularity, key.contiguity) + CONCENTRATION * min(max(key.concentration, 0.0), 10.0)
    score += NULLS * null_share - 1.0 * is_nullable(table, fk)
    score += UNIQUE * (_is_one_to_one(table, fk) and not is_nullable(table, fk)) + IMPLIED * any(
        reference in weaker for weaker in implied.values()
    )
    score += DETERMINES * min(len(implied.get(reference, ())), 2)
    score += COHERENCE * _coheres(survey, table, reference, known) + EVENNESS * (_evenness(filled) >= EVEN)
    score += 1.0 * _leads_key(table, fk) + 1.0 * (MODERATE[0] <= mean_size <= MODERATE[1])
    score += FAMILIES * math.log10(max(families, 1)) + 0.5 * (reference.parent in known.persons)
    return _Candidate(reference, key, families, mean_size, null_share, score)


def _evenness(parents: np.ndarray) -> float:
    """Share of the parents in use that have the most frequent number of rows."""
    sizes = np.unique(parents, return_counts=True)[1]
    return float(np.bincount(sizes).max() / len(sizes)) if len(sizes) else 0.0


def _coheres(survey: Survey, table: Table, owner: Reference, known: Circumstances) -> bool:
    """Whether the rows of one owner refer to parents of one family (the atoms of a ring are of one molecule)."""
    family = survey.parents(owner)
    order = np.argsort(family, kind="stable")
    same = (family[order[1:]] == family[order[:-1]]) & (family[order[1:]] >= 0)
    pairs = np.flatnonzero(same)[:PAIRS]
    if len(pairs) < MIN_FAMILIES:
        return False
    for fk in table.foreign_keys:
        if fk == owner.foreign_key or fk.parent == table.name or known.roles[fk.parent] is not TableRole.SYNTHESISE:
            continue
        chosen = survey.parents(Reference(table.name, fk))
        for up in survey.schema.table(fk.parent).foreign_keys:
            reference = Reference(fk.parent, up)
            if up.parent in (fk.parent, owner.parent) or reference in known.deferred:
                continue
            above = survey.parents(reference)
            if known.roles[up.parent] is TableRole.SYNTHESISE and _agreement(above, chosen, order, pairs) >= COHERENT:
                return True
    return False


def _agreement(above: np.ndarray, chosen: np.ndarray, order: np.ndarray, pairs: np.ndarray) -> float:
    """Share of neighbouring siblings whose parents have one parent, where it would rarely happen by chance."""
    end = np.where(chosen >= 0, above[np.maximum(chosen, 0)], -1) if len(above) else np.full(len(chosen), -1)
    left, right = end[order[pairs]], end[order[pairs + 1]]
    share = np.unique(left, return_counts=True)[1] / max(len(left), 1)
    return float(np.mean((left == right) & (left >= 0))) if (share**2).sum() < COHERENT / 2 else 0.0


def _is_one_to_one(table: Table, fk: ForeignKey) -> bool:
    return any(set(key.columns) <= set(fk.columns) for key in table.keys)


def _leads_key(table: Table, fk: ForeignKey) -> bool:
    return table.primary_key is not None and table.primary_key.columns[0] in fk.columns


def _sort_key(survey: Survey, table: Table, reference: Reference) -> SortKey:
    """The order of siblings under this reference.  Columns of keys and references are ids and order nothing."""
    excluded = set(referring_columns(table))
    if table.primary_key is not None and len(table.primary_key.columns) == 1:
        excluded |= set(table.primary_key.columns)
    columns = [c for c in table.insertable if c.name not in excluded]
    codes = {c.name: survey.codes(table.name, c) for c in columns}
    usable = {name: values for name, values in codes.items() if values is not None}
    temporal = [c.name for c in columns if c.type.family in TEMPORAL]
    key = table.primary_key.columns if table.primary_key else ()
    independent = set(key).isdisjoint(reference.foreign_key.columns)
    return sort_key(survey.parents(reference), usable, temporal, independent)


def _implied(survey: Survey, free: Sequence[Reference], known: Circumstances) -> Implied:
    """For each reference that every row has, those that follow from it: it says more, and is the better owner.

    Where two determine each other, the first declared one counts.
    """
    candidates = _eligible(survey, free, known)
    implied: dict[Reference, frozenset[Reference]] = {}
    for stronger in candidates:
        if np.any(survey.parents(stronger) < 0):
            continue
        rivals = {r for r in candidates if r != stronger and stronger not in implied.get(r, ())}
        implied[stronger] = frozenset(r for r in rivals if _determines(survey, stronger, r, known).holds)
    return implied


def _determines(survey: Survey, stronger: Reference, weaker: Reference, known: Circumstances) -> Determination:
    if set(weaker.foreign_key.columns) < set(stronger.foreign_key.columns):
        return Determination((), 1.0, True)
    return determination(survey, stronger, weaker, known.deferred)


def _links(
    survey: Survey, links: list[Reference], owner: _Candidate | None, known: Circumstances
) -> tuple[ReferencePlan, ...]:
    """Further parents: those that the owner determines, those that determine it, composite ones, the rest."""
    plans = [_link_plan(survey, link, owner, known) for link in links]
    plans.sort(key=lambda p: (not p.path, not p.within, -len(p.foreign_key.columns)))
    return tuple(plans)


def _link_plan(survey: Survey, link: Reference, owner: _Candidate | None, known: Circumstances) -> ReferencePlan:
    if known.roles[link.parent] is TableRole.COPY:
        return ReferencePlan(link.foreign_key, ReferenceRole.LINK, f"a category: {link.parent} is copied")
    if owner is None:
        return ReferencePlan(
            link.foreign_key, ReferenceRole.LINK, "its parents are too few, or NULLs too many, to drive it"
        )
    down = determination(survey, owner.reference, link, known.deferred)
    if down.exact:
        reason = f"follows from the owner: the same {link.parent} as that of its {owner.reference.parent}"
        return ReferencePlan(link.foreign_key, ReferenceRole.LINK, reason, path=down.path)
    up = determination(survey, link, owner.reference, known.deferred)
    if up.exact:
        reason = f"a further parent, always one that belongs to the same {owner.reference.parent}"
        return ReferencePlan(link.foreign_key, ReferenceRole.LINK, reason, within=up.path)
    return ReferencePlan(link.foreign_key, ReferenceRole.LINK, "a further parent")


def _owner_plan(table: Table, owner: _Candidate, implied: Implied, rivals: int) -> ReferencePlan:
    fk = owner.reference.foreign_key
    return ReferencePlan(fk, ReferenceRole.OWNER, "; ".join(_reasons(table, owner, implied, rivals)))


def _reasons(table: Table, owner: _Candidate, implied: Implied, rivals: int) -> list[str]:
    fk = owner.reference.foreign_key
    if _is_one_to_one(table, fk):
        return [f"at most one row per {fk.parent} ({owner.families} have one)"]
    reasons = [] if rivals > 1 else [f"the only parent that can drive it, {owner.mean_size:.1f} rows each"]
    if rivals > 1:
        reasons.append(f"{owner.mean_size:.1f} rows for each of {owner.families} parents")
    reasons += [f"determines the reference to {r.parent}" for r in sorted(implied.get(owner.reference, ()), key=str)]
    return reasons + _order_reasons(owner.key)


def _order_reasons(key: SortKey) -> list[str]:
    reasons = []
    if key.columns:
        order = ", ".join(key.columns)
        regular = f"{key.regularity:.0%} of the steps by {order} are regular"
        reasons.append(regular if key.regularity >= SOMEWHAT_REGULAR else f"rows follow each other by {order}")
    if key.contiguity:
        reasons.append(f"{key.contiguity:.0%} of its rows stand together in the table")
    return reasons
