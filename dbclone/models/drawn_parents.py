"""Compiled choice of a further parent: by slot, type and group, never one that the family must not meet again."""

from __future__ import annotations

import numpy as np

from dbclone.models.compiled import inner
from dbclone.models.drawn_columns import draw_any, draw_code
from dbclone.models.layout import (
    ANY_GROUP,
    BY_FAMILY,
    BY_HABIT,
    BY_LINK,
    BY_OWNER,
    BY_PREVIOUS,
    FIRST_TYPE,
    MOST_DATES,
    REDRAWS,
    SAME_AS_EARLIER,
    SAME_AS_PREVIOUS,
    TRIES,
    UNRESTRICTED,
)


@inner
def anchored(p, j, parent):  # type: ignore[no-untyped-def]
    """The parent's date on the scale of the row's; NaN where there is none."""
    link = p.links[j]
    number = p.reals[link.numbers_at + parent * link.numbers_n + link.anchor_source]
    return np.floor(number * link.anchor_scale + link.anchor_shift + 1e-9)


@inner
def draw_distance(p, j):  # type: ignore[no-untyped-def]
    """A distance between the dates, and whether it is one that many share."""
    link = p.links[j]
    shares = p.reals[link.anchor_share_at : link.anchor_share_at + link.anchor_n]
    i = min(np.searchsorted(shares, np.random.random(), side="right"), link.anchor_n - 1)
    low, high = p.reals[link.anchor_low_at + i], p.reals[link.anchor_high_at + i]
    return low + np.floor(np.random.random() * (high - low + 1.0)), low == high


@inner
def _nearest_slot(p, j, bounds, date, family, met, pointers):  # type: ignore[no-untyped-def]
    """Of the slots left in the segments of ``bounds`` (or of some of them) the one with the date nearest to one; −1.

    What is taken is swapped to the front of its segment, as by ``_take_slot``.
    """
    link = p.links[j]
    best, place, of = np.inf, -1, -1
    for segment in range(bounds[0], bounds[1]):
        here = pointers[link.pointer_at + segment]
        left = p.wholes[link.segment_at + segment + 1] - here
        for attempt in range(min(left, MOST_DATES)):
            pick = here + (attempt if left <= MOST_DATES else np.random.randint(left))
            row = p.wholes[pick]
            if met[link.met_at + row] == family:
                continue
            far = abs(anchored(p, j, row) - date)
            far = 1e15 if np.isnan(far) else far
            if far < best:
                best, place, of = far, pick, segment
    if place < 0:
        return -1
    here, row = pointers[link.pointer_at + of], p.wholes[place]
    p.wholes[place], p.wholes[here] = p.wholes[here], row
    pointers[link.pointer_at + of] = here + 1
    return row


@inner
def _take_slot(p, j, segment, family, met, pointers):  # type: ignore[no-untyped-def]
    """The next unmet parent of a segment, or −1.  A slot that is taken never comes again until the segment is spent."""
    link = p.links[j]
    at, end = link.pointer_at + segment, p.wholes[link.segment_at + segment + 1]
    for attempt in range(TRIES):
        here = pointers[at]
        if here >= end:
            return -1
        pick = here + (np.random.randint(end - here) if attempt else 0)
        row = p.wholes[pick]
        if met[link.met_at + row] != family:
            p.wholes[pick] = p.wholes[here]
            p.wholes[here] = row
            pointers[at] = here + 1
            return row
    return -1


@inner
def _take_candidate(p, j, group, wanted, family, met):  # type: ignore[no-untyped-def]
    """Any parent of the group, of the wanted type if a few tries find one; −1 if all are met and must not be again."""
    link = p.links[j]
    start, end = p.wholes[link.group_at + group], p.wholes[link.group_at + group + 1]
    if end <= start:
        return -1
    found = -1
    for attempt in range(2 * TRIES):
        row = p.wholes[start + np.random.randint(end - start)]
        if met[link.met_at + row] == family and link.distinct:
            continue
        found = row
        if p.wholes[link.parent_type_at + row] == wanted or attempt >= TRIES:
            return row
    if found < 0:
        shift = np.random.randint(end - start)
        for i in range(end - start):
            row = p.wholes[start + (i + shift) % (end - start)]
            if met[link.met_at + row] != family:
                return row
        if link.distinct == BY_HABIT:
            return p.wholes[start + shift]
    return found


@inner
def _take_parent(p, j, wanted, group, date, family, met, pointers):  # type: ignore[no-untyped-def]
    """A parent of type ``wanted`` in ``group``: by slot, of another type by slot, by refilled slot, any candidate.

    Where there is a ``date``, the nearest one; in a small group whatever its type.
    """
    link = p.links[j]
    segment = group * link.types + wanted
    if not np.isnan(date):
        small = link.restriction != UNRESTRICTED
        bounds = (group * link.types, (group + 1) * link.types) if small else (segment, segment + 1)
        row = _nearest_slot(p, j, bounds, date, family, met, pointers)
        if row >= 0:
            return row
    row = _take_slot(p, j, segment, family, met, pointers)
    if row >= 0:
        return row
    if link.restriction != UNRESTRICTED:
        shift = np.random.randint(link.types)
        for t in range(link.types):
            row = _take_slot(p, j, group * link.types + (t + shift) % link.types, family, met, pointers)
            if row >= 0:
                return row
    pointers[link.pointer_at + segment] = p.wholes[link.segment_at + segment]
    row = _take_slot(p, j, segment, family, met, pointers)
    if row >= 0:
        return row
    return _take_candidate(p, j, group, wanted, family, met)


@inner
def _group_of(p, j, row, first, family, families, chosen):  # type: ignore[no-untyped-def]
    """Group that the link must choose from; −1 if there is none, ANY_GROUP if any will do (a family's first row under
    BY_SIBLING, a row without owner under BY_FAMILY)."""
    link = p.links[j]
    if link.restriction == UNRESTRICTED:
        return 0
    if link.restriction == BY_FAMILY:
        return families.group[j, family]
    if link.restriction == BY_LINK:
        other = chosen[row, link.source]
        return p.wholes[p.links[link.source].via_at + other] if other >= 0 else -1
    if first or chosen[row - 1, j] < 0:
        return ANY_GROUP
    return p.wholes[link.parent_group_at + chosen[row - 1, j]]


@inner
def _any_group(p, j, wanted):  # type: ignore[no-untyped-def]
    """The group of a random slot, of the wanted type if a few tries find one."""
    link = p.links[j]
    first = p.wholes[link.segment_at]
    total = p.wholes[link.segment_at + link.segments - 1] - first
    if total == 0:
        return np.random.randint(link.groups)
    row = p.wholes[first + np.random.randint(total)]
    for _ in range(2 * TRIES):
        if p.wholes[link.parent_type_at + row] == wanted:
            break
        row = p.wholes[first + np.random.randint(total)]
    return p.wholes[link.parent_group_at + row]


@inner
def _is_spent(p, j, group, code, pointers):  # type: ignore[no-untyped-def]
    """Whether the group has no slot left of the type that the code names."""
    link = p.links[j]
    if code < FIRST_TYPE or code >= FIRST_TYPE + link.types:
        return False
    segment = group * link.types + code - FIRST_TYPE
    return pointers[link.pointer_at + segment] >= p.wholes[link.segment_at + segment + 1]


@inner
def _known_parent(p, j, way, row, begin, family, families, chosen):  # type: ignore[no-untyped-def]
    """The parent that is known in that way; −1 if none is."""
    known = p.knowns[p.links[j].first_known + way]
    if known.source == BY_OWNER:
        return families.known[p.links[j].first_known + way, family]
    if known.source == BY_PREVIOUS and row == begin:
        return -1
    named = chosen[row - 1 if known.source == BY_PREVIOUS else row, known.link]
    return p.wholes[known.rows_at + named] if named >= 0 else -1


@inner
def _take_known(p, j, way, group, row, begin, family, families, chosen, met):  # type: ignore[no-untyped-def]
    """The parent that is known in that way, if it is permitted; else −1."""
    link = p.links[j]
    found = _known_parent(p, j, way, row, begin, family, families, chosen)
    if found < 0 or (link.distinct and met[link.met_at + found] == family):
        return -1
    if link.restriction != UNRESTRICTED and group >= 0 and p.wholes[link.parent_group_at + found] != group:
        return -1
    return found


@inner
def choose_parent(p, s, code, x, row, begin, date, family, families, chosen, met, pointers):  # type: ignore[no-untyped-def]
    """Code and parent row of a LINK step; −1 for no parent, −2 if none is allowed.

    In a small group of candidates the code is drawn again while its type is spent.  ``date`` is that of the parent
    wanted, NaN where none is.
    """
    j = p.steps[s].link
    link = p.links[j]
    if code == 0:
        return code, -1
    group = _group_of(p, j, row, row == begin, family, families, chosen)
    if group == -1:
        return code, -1 if link.nullable else -2
    first = FIRST_TYPE + link.types
    for _ in range(REDRAWS):
        if code < first:
            break
        found = _take_known(p, j, code - first, group, row, begin, family, families, chosen, met)
        if found >= 0:
            return code, found
        again = draw_code(p, p.variants[p.steps[s].first_variant].tree, x)
        code = again if again > 0 else code
    code = min(code, first - 1)
    if link.restriction != UNRESTRICTED and group >= 0:
        tree = p.variants[p.steps[s].first_variant].tree
        for _ in range(REDRAWS):
            if not _is_spent(p, j, group, code, pointers):
                break
            again = draw_code(p, tree, x)
            code = again if 0 < again < first else code
    return code, _parent_of_code(p, j, code, group, row, begin, date, family, chosen, met, pointers)


@inner
def _parent_of_code(p, j, code, group, row, begin, date, family, chosen, met, pointers):  # type: ignore[no-untyped-def]
    link = p.links[j]
    if row > begin and not link.distinct and link.restriction != BY_LINK:
        if code == SAME_AS_PREVIOUS and chosen[row - 1, j] >= 0:
            return chosen[row - 1, j]
        if code == SAME_AS_EARLIER:
            other = chosen[begin + np.random.randint(row - begin), j]
            if other >= 0:
                return other
    wanted = code - FIRST_TYPE if code >= FIRST_TYPE else np.random.randint(link.types)
    if group == ANY_GROUP:
        group = _any_group(p, j, wanted)
    found = _take_parent(p, j, wanted, group, date, family, met, pointers)
    if found < 0:
        return -1 if link.nullable else -2
    return found


@inner
def choose_direct(p, s, code, x, row, begin, family, families, chosen, met):  # type: ignore[no-untyped-def]
    """Parent row of a DIRECT step; −1 for none, −2 if the family has met all and must not meet one twice."""
    j = p.steps[s].link
    link = p.links[j]
    tree = p.variants[p.steps[s].first_variant].tree
    for attempt in range(2 * TRIES):
        if code > link.parents:
            found = _take_known(p, j, code - link.parents - 1, ANY_GROUP, row, begin, family, families, chosen, met)
            if found >= 0:
                return found
        elif code == 0 or not link.distinct or met[link.met_at + code - 1] != family:
            return code - 1
        elif attempt >= TRIES:
            break
        code = draw_code(p, tree, x) if attempt < TRIES else draw_any(p, s)
    code = code if code <= link.parents else 1 + np.random.randint(link.parents)
    if link.distinct == BY_HABIT:  # better once more than what no tree has drawn
        return code - 1
    shift = np.random.randint(link.parents)
    for i in range(link.parents):
        row = (i + shift) % link.parents
        if met[link.met_at + row] != family:
            return row
    return -2
