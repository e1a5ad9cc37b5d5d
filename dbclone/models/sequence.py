"""Drawing the rows of families in sequence: one compiled loop over (owner, sibling, step).

A *step* is one draw in a row: a further parent (link), a column, or a hidden value (how many children the row will
have, of which type they are).  What a step's tree sees is one byte vector x of the layout

    [ owner | position | seen | previous sibling | alike sibling | linked parents | own steps so far ]

*Position* is the number of siblings, the place among them, how many are left, and the pace (how much room the sort key
has left per remaining sibling).  One coded step may be the row's *kind* (the test of a measurement, the type of an
event): *seen* counts how often each kind came before in the family, *alike* is the last sibling of the same kind.

This module knows nothing of tables or columns: it gets flat arrays (``Program``) and fills flat arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from dbclone.models.features import measured_bytes

CODED, MEASURED, LINK, DIRECT = 0, 1, 2, 3
"""Kinds of step.  LINK draws a type of parent and takes a row of that type; DIRECT draws the parent row itself."""

ABSOLUTE, SIBLING, SAME_ROW, OWNER, LINKED, ALIKE, LOOKUP, PACED = 0, 1, 2, 3, 4, 5, 6, 7
"""What a step is counted from: nothing, the previous sibling, an earlier step, the owner, a linked parent, the last
sibling of the same kind; LOOKUP takes what goes with the value of an earlier step; PACED counts from the previous
sibling in units of the room that is left per remaining sibling (spacings of a sample are exponential in these units)."""

POSITION_BYTES = 4
SEEN_BYTES = 16
SAME_AS_PREVIOUS, SAME_AS_EARLIER, FIRST_TYPE = 1, 2, 3
"""Codes of a LINK step; 0 is no parent, FIRST_TYPE + t a parent of type t that this family has not met."""

UNRESTRICTED, BY_FAMILY, BY_LINK, BY_SIBLING = 0, 1, 2, 3
"""Where the candidates of a link come from: all rows, or the group named by the owner, another link, the sibling."""

_TRIES = 24
_REDRAWS = 8


class Trees(NamedTuple):
    """All trees of a program, end to end; tree t starts at node root[t]."""

    feature: np.ndarray
    mask: np.ndarray
    left: np.ndarray
    right: np.ndarray
    parent: np.ndarray
    start: np.ndarray
    end: np.ndarray
    codes: np.ndarray
    root: np.ndarray
    shrinkage: np.ndarray


class Steps(NamedTuple):
    kind: np.ndarray
    feature_at: np.ndarray
    """Place of the step's first byte among the own bytes."""
    first_variant: np.ndarray
    variants: np.ndarray
    link: np.ndarray
    """Number of the link, or −1."""
    lattice: np.ndarray
    low: np.ndarray
    high: np.ndarray
    """Clip of measured steps."""
    edges_at: np.ndarray
    edges_n: np.ndarray
    edges: np.ndarray
    parts: np.ndarray
    unit: np.ndarray
    origin: np.ndarray
    known_at: np.ndarray
    known_n: np.ndarray
    known: np.ndarray
    types: np.ndarray


class Variants(NamedTuple):
    reference: np.ndarray
    """ABSOLUTE … LINKED"""
    source: np.ndarray
    """Step number, column of the family numbers, or column of the linked numbers."""
    link: np.ndarray
    tree: np.ndarray
    atoms_at: np.ndarray
    low: np.ndarray
    high: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    """Source numbers are brought to the step's own lattice by number · scale + shift."""
    known_at: np.ndarray
    known_n: np.ndarray
    known: np.ndarray
    """LOOKUP: rising numbers (or codes) of the determining step."""
    starts: np.ndarray
    """Start of each known number's slice of ``determined``; one more than there are, per variant."""
    determined: np.ndarray
    """What goes with each: one value, or several to choose from."""


class Bounds(NamedTuple):
    """What a measured step may not be below or above: numbers known before it, as in Variants."""

    first: np.ndarray
    """First bound of each step; one more than there are steps."""
    reference: np.ndarray
    source: np.ndarray
    link: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    upper: np.ndarray


class Nulls(NamedTuple):
    """Which steps are NULL exactly where another step says so."""

    source: np.ndarray
    """Deciding step of each step, or −1."""
    first: np.ndarray
    """First key of each step; one more than there are steps."""
    known: np.ndarray
    empty: np.ndarray


class Links(NamedTuple):
    """Candidate parents of each link, cut in segments (group · types + type) of shuffled slots, one per child due."""

    types: np.ndarray
    distinct: np.ndarray
    """Whether a family may meet a parent only once."""
    nullable: np.ndarray
    restriction: np.ndarray
    source: np.ndarray
    """BY_LINK: which link names the group."""
    segment_at: np.ndarray
    """Offset of the link's segments in ``segments``."""
    segments: np.ndarray
    """Start of each segment in ``slots``; one more than there are segments, per link."""
    slots: np.ndarray
    group_at: np.ndarray
    groups: np.ndarray
    """Start of each group in ``candidates``."""
    candidates: np.ndarray
    parent_at: np.ndarray
    """Offset of the link's parent rows in arrays indexed by parent row."""
    parent_group: np.ndarray
    """Group of each parent row (BY_SIBLING)."""
    parent_type: np.ndarray
    via: np.ndarray
    """BY_LINK: group named by each row of the other link's parent; indexed like its parent rows."""
    bytes_at: np.ndarray
    """Offset of the link's bytes in x, relative to the linked part."""
    bytes_n: np.ndarray
    block_at: np.ndarray
    block: np.ndarray
    """Bytes of all parent rows, end to end."""
    numbers_at: np.ndarray
    numbers_n: np.ndarray
    numbers: np.ndarray


class Families(NamedTuple):
    counts: np.ndarray
    context: np.ndarray
    """uint8[families, context bytes]"""
    numbers: np.ndarray
    """float64[families, owner numbers]"""
    group: np.ndarray
    """int64[links, families]: the group of candidates (BY_FAMILY), −1 for none."""


class Program(NamedTuple):
    trees: Trees
    steps: Steps
    variants: Variants
    bounds: Bounds
    nulls: Nulls
    links: Links
    own_bytes: int
    linked_bytes: int
    paced: int
    """Step whose room is paced, or −1."""
    kind: int
    """Step that says a row's kind, or −1."""


@njit(cache=True, nogil=True)
def _draw_code(trees, tree, x):  # type: ignore[no-untyped-def]
    at = trees.root[tree]
    while trees.feature[at] >= 0:
        b = x[trees.feature[at]]
        if (trees.mask[at, b >> 6] >> np.uint64(b & 63)) & np.uint64(1):
            at = trees.left[at]
        else:
            at = trees.right[at]
    lam = trees.shrinkage[tree]
    while trees.parent[at] >= 0:
        n = trees.end[at] - trees.start[at]
        if np.random.random() * (lam + n) >= lam:
            break
        at = trees.parent[at]
    n = trees.end[at] - trees.start[at]
    if n == 0:
        return 0
    return trees.codes[trees.start[at] + np.random.randint(n)]


@njit(cache=True, nogil=True)
def pace_byte(previous, high, remaining):  # type: ignore[no-untyped-def]
    """Room up to ``high`` per remaining sibling, on a scale of eighths of a doubling; 0 for the first sibling."""
    if np.isnan(previous):
        return 0
    pace = max(high - previous, 0.0) / max(remaining, 1)
    return int(min(max(128 + 8 * np.log2(pace + 1e-4), 1), 255))


@njit(cache=True, nogil=True)
def _looked_up(variants, v, number):  # type: ignore[no-untyped-def]
    """A value that goes with the number, and whether the number is known."""
    at, n = variants.known_at[v], variants.known_n[v]
    i = np.searchsorted(variants.known[at : at + n], number)
    if i < n and variants.known[at + i] == number:
        start, end = variants.starts[at + v + i], variants.starts[at + v + i + 1]
        return variants.determined[start + np.random.randint(end - start)], True
    return 0.0, False


@njit(cache=True, nogil=True)
def _number_of(reference, source, link, row, first, family, families, numbers, chosen, alike, links):  # type: ignore[no-untyped-def]
    """The number that a reference leads to; NaN where there is none."""
    if reference == SIBLING or reference == PACED:
        return np.nan if first else numbers[row - 1, source]
    if reference == ALIKE:
        return np.nan if alike < 0 else numbers[alike, source]
    if reference == SAME_ROW:
        return numbers[row, source]
    if reference == OWNER:
        return families.numbers[family, source]
    if reference == LINKED and chosen[row, link] >= 0:
        return links.numbers[links.numbers_at[link] + chosen[row, link] * links.numbers_n[link] + source]
    return np.nan


@njit(cache=True, nogil=True)
def _range_of(p, s, row, first, family, families, numbers, chosen, alike):  # type: ignore[no-untyped-def]
    """Lowest and highest number that the step may have in this row."""
    low, high = p.steps.low[s], p.steps.high[s]
    b = p.bounds
    for i in range(b.first[s], b.first[s + 1]):
        bound = _number_of(
            b.reference[i], b.source[i], b.link[i], row, first, family, families, numbers, chosen, alike, p.links
        )
        if np.isnan(bound):
            continue
        if SAME_ROW <= b.reference[i] <= LINKED:
            bound = bound * b.scale[i] + b.shift[i]
            if p.steps.lattice[s]:
                bound = np.floor(bound + 1e-9)
        if b.upper[i]:
            high = min(high, bound)
        else:
            low = max(low, bound)
    return low, max(low, high)


@njit(cache=True, nogil=True)
def _emptiness(p, s, row, codes, numbers):  # type: ignore[no-untyped-def]
    """1 where the step must be NULL, 0 where it must not, −1 where nothing says."""
    source = p.nulls.source[s]
    if source < 0:
        return -1
    if p.steps.kind[source] == MEASURED:
        key = -1.0 if np.isnan(numbers[row, source]) else 0.0
    else:
        key = float(codes[row, source]) if codes[row, source] > 0 else -1.0
    a, b = p.nulls.first[s], p.nulls.first[s + 1]
    i = a + np.searchsorted(p.nulls.known[a:b], key)
    return p.nulls.empty[i] if i < b and p.nulls.known[i] == key else -1


@njit(cache=True, nogil=True)
def _draw_filled(trees, tree, x, empty):  # type: ignore[no-untyped-def]
    """A code, drawn again while it is NULL though it must not be."""
    code = _draw_code(trees, tree, x)
    if empty == 0:
        for _ in range(2 * _TRIES):
            if code != 0:
                break
            code = _draw_code(trees, tree, x)
    return code


@njit(cache=True, nogil=True)
def _draw_number(p, s, x, row, left, first, family, families, codes, numbers, chosen, alike):  # type: ignore[no-untyped-def]
    steps, variants = p.steps, p.variants
    empty = _emptiness(p, s, row, codes, numbers)
    if empty == 1:
        return 0, np.nan
    low, high = _range_of(p, s, row, first, family, families, numbers, chosen, alike)
    for v in range(steps.first_variant[s], steps.first_variant[s] + steps.variants[s]):
        kind, source = variants.reference[v], variants.source[v]
        if kind == LOOKUP:
            other = numbers[row, source] if steps.kind[source] == MEASURED else float(codes[row, source])
            value, known = _looked_up(variants, v, other)
            if known:
                return 0, value
            continue
        base, unit = 0.0, 1.0
        if kind != ABSOLUTE:
            base = _number_of(
                kind, source, variants.link[v], row, first, family, families, numbers, chosen, alike, p.links
            )
        if np.isnan(base):
            continue
        if SAME_ROW <= kind <= LINKED:
            base = base * variants.scale[v] + variants.shift[v]
            if steps.lattice[s]:
                base = np.floor(base + 1e-9)
        if kind == PACED:
            unit = max(high - base, 0.0) / max(left, 1)
        value = 0.0
        for _ in range(_REDRAWS):
            code = _draw_filled(p.trees, variants.tree[v], x, empty)
            if code == 0:
                return code, np.nan
            at = variants.atoms_at[v] + code - 1
            a, b = variants.low[at], variants.high[at]
            if kind == PACED:
                value = base + (a + np.random.random() * (b - a)) * unit
                value = np.floor(value + np.random.random()) if steps.lattice[s] else value
            elif steps.lattice[s]:
                value = base + a + np.floor(np.random.random() * (b - a + 1.0))
            else:
                value = base + a + np.random.random() * (b - a)
            if low <= value <= high:
                return code, value
        return code, min(max(value, low), high)
    return 0, np.nan


@njit(cache=True, nogil=True)
def _draw_level(p, s, x, row, codes, numbers):  # type: ignore[no-untyped-def]
    """Code of a coded step: looked up where an earlier step determines it, else drawn."""
    steps, variants = p.steps, p.variants
    empty = _emptiness(p, s, row, codes, numbers)
    if empty == 1:
        return 0
    last = steps.first_variant[s] + steps.variants[s] - 1
    for v in range(steps.first_variant[s], last):
        source = variants.source[v]
        other = numbers[row, source] if steps.kind[source] == MEASURED else float(codes[row, source])
        value, known = _looked_up(variants, v, other)
        if known:
            return int(value)
    return _draw_filled(p.trees, variants.tree[last], x, empty)


@njit(cache=True, nogil=True)
def _take_slot(links, j, segment, family, met, pointers):  # type: ignore[no-untyped-def]
    """The next unmet parent of a segment, or −1.  A slot that is taken never comes again until the segment is spent."""
    at = links.segment_at[j] + segment
    start, end = links.segments[at], links.segments[at + 1]
    for attempt in range(_TRIES):
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
    for attempt in range(2 * _TRIES):
        row = links.candidates[start + np.random.randint(end - start)]
        place = links.parent_at[j] + row
        if met[place] == family and distinct:
            continue
        found = row
        if links.parent_type[place] == wanted or attempt >= _TRIES:
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
    for _ in range(2 * _TRIES):
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
def _choose_parent(p, s, code, x, row, begin, family, families, chosen, met, pointers):  # type: ignore[no-untyped-def]
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
        for _ in range(_REDRAWS):
            if not _is_spent(links, j, group, code, pointers):
                break
            again = _draw_code(p.trees, tree, x)
            code = again if again > 0 else code
    return code, _parent_of_code(p, j, code, group, row, begin, family, chosen, met, pointers)


@njit(cache=True, nogil=True)
def _parent_of_code(p, j, code, group, row, begin, family, chosen, met, pointers):  # type: ignore[no-untyped-def]
    links = p.links
    first = row == begin
    if code == SAME_AS_PREVIOUS and not first and not links.distinct[j] and chosen[row - 1, j] >= 0:
        if links.restriction[j] != BY_LINK:
            return chosen[row - 1, j]
    if code == SAME_AS_EARLIER and not first and not links.distinct[j]:
        other = chosen[begin + np.random.randint(row - begin), j]
        if other >= 0 and links.restriction[j] != BY_LINK:
            return other
    wanted = code - FIRST_TYPE if code >= FIRST_TYPE else np.random.randint(links.types[j])
    if group == -2:
        group = _any_group(links, j, wanted)
    found = _take_parent(p, j, wanted, group, family, met, pointers)
    if found < 0:
        return -1 if links.nullable[j] else -2
    return found


@njit(cache=True, nogil=True)
def _choose_direct(p, s, code, x, family, met, size):  # type: ignore[no-untyped-def]
    links = p.links
    j = p.steps.link[s]
    tree = p.variants.tree[p.steps.first_variant[s]]
    for _ in range(_TRIES):
        if code == 0 or not links.distinct[j] or met[links.parent_at[j] + code - 1] != family:
            return code - 1
        code = _draw_code(p.trees, tree, x)
    shift = np.random.randint(size)
    for i in range(size):
        row = (i + shift) % size
        if met[links.parent_at[j] + row] != family:
            return row
    return -2


@njit(cache=True, nogil=True)
def draw(p, families, seed, codes, numbers, features, chosen, dropped):  # type: ignore[no-untyped-def]
    """Fill codes int32[n, steps], numbers float64[n, steps], features uint8[n, own bytes], chosen int64[n, links].

    ``dropped`` (bool[n]) marks rows for which no permitted parent was left.
    """
    np.random.seed(seed)
    steps, links = p.steps, p.links
    context = families.context.shape[1]
    seen = context + POSITION_BYTES
    before = seen + (SEEN_BYTES if p.kind >= 0 else 0)
    alike_at = before + p.own_bytes
    linked = alike_at + (p.own_bytes if p.kind >= 0 else 0)
    own = linked + p.linked_bytes
    latest = np.full(256, -1, np.int64)
    x = np.zeros(own + p.own_bytes, np.uint8)
    met = np.full(links.parent_at[links.parent_at.shape[0] - 1], -1, np.int64)
    pointers = links.segments.copy()
    row = 0
    for family in range(families.counts.shape[0]):
        begin = row
        count = families.counts[family]
        x[:context] = families.context[family]
        x[seen:linked] = 0
        latest[:] = -1
        for i in range(count):
            alike = -1
            x[context] = min(count, 255)
            x[context + 1] = min(i, 255)
            x[context + 2] = min(count - i, 255)
            x[context + 3] = 0
            if p.paced >= 0 and i > 0:
                _, high = _range_of(p, p.paced, row, False, family, families, numbers, chosen, -1)
                x[context + 3] = pace_byte(numbers[row - 1, p.paced], high, count - i)
            x[alike_at:] = 0
            for s in range(steps.kind.shape[0]):
                at = own + steps.feature_at[s]
                kind = steps.kind[s]
                if kind == MEASURED:
                    code, value = _draw_number(
                        p, s, x, row, count - i, i == 0, family, families, codes, numbers, chosen, alike
                    )
                    numbers[row, s] = value
                    edges = steps.edges[steps.edges_at[s] : steps.edges_at[s] + steps.edges_n[s]]
                    clock = (steps.parts[s], steps.unit[s], steps.origin[s])
                    a, b = steps.known_at[s], steps.known_at[s] + steps.known_n[s]
                    measured_bytes(value, edges, clock, steps.known[a:b], steps.types[a:b], x, at)
                else:
                    code = _draw_level(p, s, x, row, codes, numbers)
                if kind == LINK or kind == DIRECT:
                    j = steps.link[s]
                    if kind == LINK:
                        code, parent = _choose_parent(
                            p, s, code, x, row, begin, family, families, chosen, met, pointers
                        )
                    else:
                        parent = _choose_direct(p, s, code, x, family, met, links.parent_at[j + 1] - links.parent_at[j])
                        code = parent + 1
                    if parent == -2:
                        dropped[row] = True
                        parent = -1
                    chosen[row, j] = parent
                    if parent >= 0:
                        met[links.parent_at[j] + parent] = family
                        a = links.block_at[j] + parent * links.bytes_n[j]
                        to = linked + links.bytes_at[j]
                        x[to : to + links.bytes_n[j]] = links.block[a : a + links.bytes_n[j]]
                if kind != MEASURED:
                    x[at] = min(max(code, 0), 255)
                codes[row, s] = code
                if s == p.kind:
                    level = x[at]
                    alike = latest[level]
                    latest[level] = row
                    if alike >= 0:
                        x[alike_at:linked] = features[alike]
            features[row] = x[own:]
            x[before:alike_at] = x[own:]
            if p.kind >= 0:
                level = x[own + steps.feature_at[p.kind]]
                if level < SEEN_BYTES and x[seen + level] < 255:
                    x[seen + level] += 1
            row += 1
