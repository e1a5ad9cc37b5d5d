"""Compiled choice of a further parent: by slot, type and group, never one that the family must not meet again."""

from __future__ import annotations

import numpy as np
from numba import njit

from dbclone.models.drawn_columns import draw_code
from dbclone.models.layout import (
    BY_FAMILY,
    BY_LINK,
    FIRST_TYPE,
    REDRAWS,
    SAME_AS_EARLIER,
    SAME_AS_PREVIOUS,
    TRIES,
    UNRESTRICTED,
)


@njit(cache=True, nogil=True)
def _take_slot(links, j, segment, family, met, pointers):  # type: ignore[no-untyped-def]
    """The next unmet parent of a segment, or −1.  A slot that is taken never comes again until the segment is spent."""
    at = links.segment_at[j] + segment
    end = links.segments[at + 1]
    for attempt in range(TRIES):
        here = pointers[at]
        if here >= end:
            return -1
        pick = here + (np.random.randint(end - here) if attempt else 0)
        row = links.slots[pick]
        if met[links.parent_at[j] + row] != family:
            links.slots[pick] = links.slots[here]
            links.slots[here] = row
            pointers[at] = here + 1
            return row
    return -1


@njit(cache=True, nogil=True)
def _take_candidate(links, j, group, wanted, family, met, distinct):  # type: ignore[no-untyped-def]
    """Any parent of the group, of the wanted type if a few tries find one; −1 if all are met and must not be again."""
    at = links.group_at[j] + group
    start, end = links.groups[at], links.groups[at + 1]
    if end <= start:
        return -1
    found = -1
    for attempt in range(2 * TRIES):
        row = links.candidates[start + np.random.randint(end - start)]
        place = links.parent_at[j] + row
        if met[place] == family and distinct:
            continue
        found = row
        if links.parent_type[place] == wanted or attempt >= TRIES:
            return row
    if found < 0:
        shift = np.random.randint(end - start)
        for i in range(end - start):
            row = links.candidates[start + (i + shift) % (end - start)]
            if met[links.parent_at[j] + row] != family:
                return row
    return found


@njit(cache=True, nogil=True)
def _refill(links, j, segment, pointers):  # type: ignore[no-untyped-def]
    at = links.segment_at[j] + segment
    pointers[at] = links.segments[at]


@njit(cache=True, nogil=True)
def _take_parent(p, j, wanted, group, family, met, pointers):  # type: ignore[no-untyped-def]
    """A parent of type ``wanted`` in ``group``: by slot, of another type by slot, by refilled slot, any candidate."""
    links = p.links
    types = links.types[j]
    segment = group * types + wanted
    row = _take_slot(links, j, segment, family, met, pointers)
    if row >= 0:
        return row
    if links.restriction[j] != UNRESTRICTED:
        shift = np.random.randint(types)
        for t in range(types):
            row = _take_slot(links, j, group * types + (t + shift) % types, family, met, pointers)
            if row >= 0:
                return row
    _refill(links, j, segment, pointers)
    row = _take_slot(links, j, segment, family, met, pointers)
    if row >= 0:
        return row
    return _take_candidate(links, j, group, wanted, family, met, links.distinct[j])


@njit(cache=True, nogil=True)
def _group_of(p, j, row, first, family, families, chosen):  # type: ignore[no-untyped-def]
    """Group that the link must choose from; −1 if there is none, −2 if any will do (a family's first, BY_SIBLING)."""
    links = p.links
    kind = links.restriction[j]
    if kind == UNRESTRICTED:
        return 0
    if kind == BY_FAMILY:
        return families.group[j, family]
    if kind == BY_LINK:
        other = chosen[row, links.source[j]]
        return links.via[links.parent_at[links.source[j]] + other] if other >= 0 else -1
    if first or chosen[row - 1, j] < 0:
        return -2
    return links.parent_group[links.parent_at[j] + chosen[row - 1, j]]


@njit(cache=True, nogil=True)
def _any_group(links, j, wanted):  # type: ignore[no-untyped-def]
    """The group of a random slot, of the wanted type if a few tries find one."""
    a, b = links.segment_at[j], links.segment_at[j + 1] - 1
    first, total = links.segments[a], links.segments[b] - links.segments[a]
    if total == 0:
        return np.random.randint(links.group_at[j + 1] - links.group_at[j] - 1)
    place = links.parent_at[j]
    row = links.slots[first + np.random.randint(total)]
    for _ in range(2 * TRIES):
        if links.parent_type[place + row] == wanted:
            break
        row = links.slots[first + np.random.randint(total)]
    return links.parent_group[place + row]


@njit(cache=True, nogil=True)
def _is_spent(links, j, group, code, pointers):  # type: ignore[no-untyped-def]
    """Whether the group has no slot left of the type that the code names."""
    if code < FIRST_TYPE:
        return False
    at = links.segment_at[j] + group * links.types[j] + code - FIRST_TYPE
    return pointers[at] >= links.segments[at + 1]


@njit(cache=True, nogil=True)
def choose_parent(p, s, code, x, row, begin, family, families, chosen, met, pointers):  # type: ignore[no-untyped-def]
    """Code and parent row of a LINK step; −1 for no parent, −2 if none is allowed.

    In a small group of candidates the code is drawn again while its type is spent.
    """
    links = p.links
    j = p.steps.link[s]
    if code == 0:
        return code, -1
    first = row == begin
    group = _group_of(p, j, row, first, family, families, chosen)
    if group == -1:
        return code, -1 if links.nullable[j] else -2
    if links.restriction[j] != UNRESTRICTED and group >= 0:
        tree = p.variants.tree[p.steps.first_variant[s]]
        for _ in range(REDRAWS):
            if not _is_spent(links, j, group, code, pointers):
                break
            again = draw_code(p.trees, tree, x)
            code = again if again > 0 else code
    return code, _parent_of_code(p, j, code, group, row, begin, family, chosen, met, pointers)


@njit(cache=True, nogil=True)
def _parent_of_code(p, j, code, group, row, begin, family, chosen, met, pointers):  # type: ignore[no-untyped-def]
    links = p.links
    first = row == begin
    if not first and not links.distinct[j] and links.restriction[j] != BY_LINK:
        if code == SAME_AS_PREVIOUS and chosen[row - 1, j] >= 0:
            return chosen[row - 1, j]
        if code == SAME_AS_EARLIER:
            other = chosen[begin + np.random.randint(row - begin), j]
            if other >= 0:
                return other
    wanted = code - FIRST_TYPE if code >= FIRST_TYPE else np.random.randint(links.types[j])
    if group == -2:
        group = _any_group(links, j, wanted)
    found = _take_parent(p, j, wanted, group, family, met, pointers)
    if found < 0:
        return -1 if links.nullable[j] else -2
    return found


@njit(cache=True, nogil=True)
def choose_direct(p, s, code, x, family, met, size):  # type: ignore[no-untyped-def]
    links = p.links
    j = p.steps.link[s]
    tree = p.variants.tree[p.steps.first_variant[s]]
    for _ in range(TRIES):
        if code == 0 or not links.distinct[j] or met[links.parent_at[j] + code - 1] != family:
            return code - 1
        code = draw_code(p.trees, tree, x)
    shift = np.random.randint(size)
    for i in range(size):
        row = (i + shift) % size
        if met[links.parent_at[j] + row] != family:
            return row
    return -2
