"""Drawing the rows of one table: families from their owners, candidates in groups, then the compiled loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbclone.errors import ModelFileError
from dbclone.models import sequence
from dbclone.models.layout import ANY_GROUP, BY_OWNER, MEASURED, Families
from dbclone.models.program import Groups, build
from dbclone.models.rows import Database, Rows, follow, gather_bytes, gather_numbers
from dbclone.models.shared_dates import dates_of
from dbclone.models.steps import Link, Restriction, TableSteps
from dbclone.schema import TableName

Keys = Mapping[TableName, Mapping[str, pa.Array]]
"""Drawn values of the columns that foreign keys refer to or consist of."""


@dataclass(frozen=True)
class Size:
    """How many rows: children of each owner (int64[owners]) and rows without owner."""

    children: np.ndarray
    alone: int


def draw_rows(table: TableSteps, size: Size, database: Database, keys: Keys, seed: int) -> Rows:
    """Rows of the table in family order; rows for which no permitted parent was left are gone."""
    rng = np.random.default_rng(seed)
    groups = [_groups(table, link, database, keys) for link in table.links]
    size = _without_barren(table, size, groups)
    program = build(table, database, groups, rng)
    families = _families(table, size, database, groups)
    if program.nodes["feature"].max(initial=-1) >= sequence.seen_bytes(program, families):
        raise ModelFileError("The model does not fit together: it was altered; fit it again.")
    n = int(families.counts.sum())
    codes = np.zeros((n, len(table.steps)), dtype=np.int32)
    numbers = np.full((n, len(table.steps)), np.nan)
    features = np.zeros((n, program.own_bytes), dtype=np.uint8)
    chosen = np.full((n, len(table.links)), -1, dtype=np.int64)
    dropped = np.zeros(n, dtype=np.bool_)
    sequence.draw(program, families, int(rng.integers(2**31)), codes, numbers, features, chosen, dropped)
    owner = np.repeat(np.append(np.arange(len(size.children)), np.full(size.alone, -1)), families.counts)
    return _rows(table, np.flatnonzero(~dropped), owner, (codes, numbers, features, chosen))


def _rows(table: TableSteps, kept: np.ndarray, owner: np.ndarray, drawn: tuple[np.ndarray, ...]) -> Rows:
    codes, numbers, features, chosen = drawn
    rows = Rows(len(kept))
    at = 0
    for i, step in enumerate(table.steps):
        if step.kind == MEASURED:
            rows.numbers[step.name] = numbers[kept, i]
        else:
            rows.codes[step.name] = codes[kept, i]
        rows.bytes[step.name] = np.ascontiguousarray(features[kept, at : at + step.feature.width].T)
        at += step.feature.width
    if table.owner is not None:
        rows.parents[table.owner] = owner[kept]
    for j, link in enumerate(table.links):
        rows.parents[link.reference] = chosen[kept, j]
    return rows


def select_rows(rows: Rows, kept: np.ndarray) -> Rows:
    """The rows at the given positions."""
    return Rows(
        len(kept),
        {k: v[kept] for k, v in rows.codes.items()},
        {k: v[kept] for k, v in rows.numbers.items()},
        {k: v[:, kept] for k, v in rows.bytes.items()},
        {k: v[kept] for k, v in rows.parents.items()},
    )


def _families(table: TableSteps, size: Size, database: Database, groups: list[Groups | None]) -> Families:
    counts = np.append(size.children, np.ones(size.alone, dtype=np.int64)).astype(np.int64)
    owner = table.owner_table
    context = np.zeros((len(counts), 0), dtype=np.uint8)
    numbers = np.full((len(counts), len(table.numbers)), np.nan)
    if owner is not None and owner in database:
        block = gather_bytes(database, owner, table.context)
        context = np.zeros((len(counts), len(block)), dtype=np.uint8)
        context[: len(size.children)] = block.T
        numbers[: len(size.children)] = gather_numbers(database, owner, table.numbers)
    group = np.full((max(len(table.links), 1), len(counts)), -1, dtype=np.int64)
    for j, found in _named_by_owner(table, groups):
        group[j, : len(size.children)] = found.source_group
        group[j, len(size.children) :] = ANY_GROUP
    known = _known_by_owner(table, len(size.children), len(counts), database)
    labels = _labels(table, len(size.children), len(counts), database)
    of_owner = np.ascontiguousarray(context), np.ascontiguousarray(numbers)
    return Families(counts, *of_owner, group, known, labels, *_dates(table, size, database))


def _dates(table: TableSteps, size: Size, database: Database) -> tuple[np.ndarray, np.ndarray]:
    """The dates that each family's rows may share, and where they begin; a row without owner has none."""
    families, shared = len(size.children) + size.alone, table.shared
    if shared is None:
        return np.zeros(0), np.zeros(families + 1, dtype=np.int64)
    scale = next(step.scale for step in table.steps if step.name == shared.step)
    dates, at = dates_of(database[shared.table], shared, scale, len(size.children))
    return dates, np.append(at, np.full(size.alone, len(dates))).astype(np.int64)


def _labels(table: TableSteps, owners: int, families: int, database: Database) -> np.ndarray:
    """int64[families, steps with sets of labels]: the family's set, 0 where its labels are free."""
    sets = [step.labels for step in table.steps if step.labels is not None]
    found = np.zeros((families, max(len(sets), 1)), dtype=np.int64)
    for i, labels in enumerate(sets):
        if table.owner_table is not None:
            codes = database[table.owner_table].codes[labels.step]
            found[:owners, i] = labels.masks[np.minimum(codes, len(labels.masks) - 1)]
    return found


def _known_by_owner(table: TableSteps, owners: int, families: int, database: Database) -> np.ndarray:
    """int64[ways to know, families]: the row that the owner names, where it is the owner that does."""
    ways = [known for link in table.links for known in link.known]
    found = np.full((max(len(ways), 1), families), -1, dtype=np.int64)
    for i, way in enumerate(ways):
        if way.source == BY_OWNER and table.owner_table is not None:
            found[i, :owners] = follow(database, table.owner_table, way.hops)
    return found


def _without_barren(table: TableSteps, size: Size, groups: list[Groups | None]) -> Size:
    """Rows may do without owner in this table: those of owners that leave no parent to choose are to."""
    if not table.ownerless:
        return size
    barren = np.zeros(len(size.children), dtype=bool)
    for j, found in _named_by_owner(table, groups):
        if not table.links[j].nullable:
            barren |= ~np.isin(found.source_group, found.parent_group) | (found.source_group < 0)
    lost = int(size.children[barren].sum())
    return Size(np.where(barren, 0, size.children), size.alone + lost)


def _named_by_owner(table: TableSteps, groups: list[Groups | None]) -> Iterator[tuple[int, Groups]]:
    """The links whose candidates the owner names, by number, with the groups of these."""
    for j, (link, found) in enumerate(zip(table.links, groups, strict=True)):
        if found is not None and link.restriction is not None and link.restriction.source == "owner":
            yield j, found


def _groups(table: TableSteps, link: Link, database: Database, keys: Keys) -> Groups | None:
    if link.restriction is None:
        return None
    rule = link.restriction
    source = link.parent
    if rule.source == "owner" and table.owner_table is not None:
        source = table.owner_table
    elif rule.source != "sibling":
        source = next(other.parent for other in table.links if other.reference == rule.source)
    return groups_of(rule, source, link.parent, database, keys)


def groups_of(rule: Restriction, source: TableName, candidate: TableName, database: Database, keys: Keys) -> Groups:
    """The groups that a restriction makes of the rows of its source and of the candidates."""
    if rule.left_columns:
        # A column that only a later reference fills binds that one, not this.
        pairs = zip(rule.left_columns, rule.right_columns, strict=True)
        known = [(a, b) for a, b in pairs if a in keys[source] and b in keys[candidate]]
        if not known:
            rows = {name: np.zeros(database[name].n, dtype=np.int64) for name in (candidate, source)}
            return Groups(rows[candidate], rows[source], 1)
        return groups_by_value([keys[source][a] for a, _ in known], [keys[candidate][b] for _, b in known])
    here, there = follow(database, source, rule.left.hops), follow(database, candidate, rule.right.hops)
    number = int(max(here.max(initial=-1), there.max(initial=-1))) + 1
    return Groups(there, here, max(number, 1))


def groups_by_value(left: list[pa.Array], right: list[pa.Array]) -> Groups:
    """Number the distinct tuples of both sides alike; a tuple with a NULL is in no group."""
    n = len(left[0])
    joint = np.zeros(n + len(right[0]), dtype=np.int64)
    for a, b in zip(left, right, strict=True):
        values = pa.concat_arrays([a, b.cast(a.type)]).dictionary_encode()
        code = values.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        joint = np.where((joint < 0) | (code < 0), -1, joint * (len(values.dictionary) + 1) + code)
        joint[joint >= 0] = np.unique(joint[joint >= 0], return_inverse=True)[1]
    return Groups(joint[n:], joint[:n], int(joint.max(initial=-1)) + 1 or 1)
