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

import numpy as np

from dbclone.models.compiled import inner, kernel
from dbclone.models.drawn_columns import draw_any, draw_level, draw_number, pace_byte, range_of, sieved
from dbclone.models.drawn_parents import anchored, choose_direct, choose_parent, draw_distance
from dbclone.models.features import measured_bytes
from dbclone.models.layout import DIRECT, LINK, MEASURED, ON, POSITION_BYTES, SEEN_BYTES, TRIES, Families, Program


@inner
def _step(p, s, x, at, row, begin, count, family, families, codes, numbers, chosen, alike, had):  # type: ignore[no-untyped-def]
    """Draw a column of a row and write its bytes at x[at …]."""
    step = p.steps[s]
    if step.kind == MEASURED:
        left = begin + count - row
        code, value = draw_number(p, s, x, row, left, row == begin, family, families, codes, numbers, chosen, alike)
        if s == p.shared and codes[row, p.gate] == ON and not (step.ends >= 0 and left == 1):
            low, high = range_of(p, s, row, row == begin, family, families, numbers, chosen, alike)
            low = low if row == begin or np.isnan(numbers[row - 1, s]) else max(low, numbers[row - 1, s])
            value = _nearest_date(p, s, families, family, value, low, high)
        numbers[row, s] = value
        _write(p, s, value, x, at)
    else:
        code = draw_level(p, s, x, row, codes, numbers)
        if step.once:
            for attempt in range(TRIES):
                if code == 0 or not _is_there(codes, s, begin, row, code):
                    break
                code = draw_level(p, s, x, row, codes, numbers) if 2 * attempt < TRIES else draw_any(p, s)
        if step.labels >= 0 and families.labels[family, step.labels] != 0:
            labels, left = families.labels[family, step.labels], begin + count - row
            code = _of_set(p, s, x, row, labels, left, code, codes, numbers, had)
        x[at] = min(max(code, 0), 255)
    codes[row, s] = code


@inner
def _nearest_date(p, s, families, family, value, low, high):  # type: ignore[no-untyped-def]
    """The family's date between ``low`` and ``high`` that is nearest to the value; the value where there is none.

    What the other table's sieve has let pass may be rare in this one.
    """
    dates = families.dates[families.dates_at[family] : families.dates_at[family + 1]]
    after = np.searchsorted(dates, value)
    before = after - 1
    while True:
        below = value - dates[before] if before >= 0 and dates[before] >= low else np.inf
        above = dates[after] - value if after < len(dates) and dates[after] <= high else np.inf
        if below == np.inf and above == np.inf:
            return value
        date = dates[before] if below <= above else dates[after]
        if low <= date <= high and sieved(p, s, date, -np.inf, np.inf) == date:
            return date
        before, after = (before - 1, after) if below <= above else (before, after + 1)


@inner
def _of_set(p, s, x, row, labels, left, code, codes, numbers, had):  # type: ignore[no-untyped-def]
    """A code of the family's labels: of those that it has not had, where no more rows are left than these."""
    place = p.steps[s].labels
    missing = labels & ~had[place]
    allowed = missing if _bits(missing) >= left and missing != 0 else labels
    for _ in range(TRIES):
        if (allowed >> code) & 1:
            break
        code = draw_level(p, s, x, row, codes, numbers)
    if not (allowed >> code) & 1:
        nth = np.random.randint(_bits(allowed))
        code = 0
        while nth > 0 or not (allowed >> code) & 1:
            nth -= (allowed >> code) & 1
            code += 1
    had[place] |= 1 << code
    return code


@inner
def _bits(mask):  # type: ignore[no-untyped-def]
    number = 0
    while mask != 0:
        number += mask & 1
        mask >>= 1
    return number


@inner
def _is_there(codes, s, begin, row, code):  # type: ignore[no-untyped-def]
    """Whether an earlier sibling has the code."""
    for earlier in range(begin, row):  # noqa: SIM110
        if codes[earlier, s] == code:
            return True
    return False


@inner
def _write(p, s, value, x, at):  # type: ignore[no-untyped-def]
    """The bytes of a number at x[at …]."""
    step = p.steps[s]
    edges = p.reals[step.edges_at : step.edges_at + step.edges_n]
    known = p.reals[step.known_at : step.known_at + step.known_n]
    types = p.octets[step.types_at : step.types_at + step.known_n]
    measured_bytes(value, edges, (step.parts, step.unit, step.origin), known, types, x, at)


@inner
def _follow(p, j, own, row, begin, date, x, numbers):  # type: ignore[no-untyped-def]
    """Set the row's date by its parent's, where it then stays after the previous sibling's and within its range.

    It follows from two things that are nobody's, a made-up date and a distance that k entities share; so no sieve.
    """
    s = p.links[j].anchor
    step = p.steps[s]
    after = row == begin or np.isnan(numbers[row - 1, s]) or date >= numbers[row - 1, s]
    if after and step.low <= date <= step.high:
        numbers[row, s] = date
        _write(p, s, date, x, own + step.feature_at)


@inner
def _meet(p, s, x, at, linked, own, row, begin, family, families, codes, numbers, chosen, met, pointers):  # type: ignore[no-untyped-def]
    """Draw a parent of a row, write the link's byte and what the row sees of the parent; False if none is permitted."""
    j = p.steps[s].link
    link = p.links[j]
    code = draw_level(p, s, x, row, codes, numbers)
    distance, shared, date = 0.0, False, np.nan
    if link.anchor >= 0:
        distance, shared = draw_distance(p, j)
        date = numbers[row, link.anchor] - distance
    if p.steps[s].kind == LINK:
        code, parent = choose_parent(p, s, code, x, row, begin, date, family, families, chosen, met, pointers)
    else:
        parent = choose_direct(p, s, code, x, row, begin, family, families, chosen, met)
        code = parent + 1
    permitted = parent != -2
    parent = max(parent, -1)
    chosen[row, j] = parent
    if parent >= 0:
        met[link.met_at + parent] = family
        a, to = link.block_at + parent * link.bytes_n, linked + link.bytes_at
        x[to : to + link.bytes_n] = p.octets[a : a + link.bytes_n]
        if shared:
            _follow(p, j, own, row, begin, anchored(p, j, parent) + distance, x, numbers)
    x[at] = min(max(code, 0), 255)
    codes[row, s] = code
    return permitted


@inner
def _memory(p):  # type: ignore[no-untyped-def]
    """For each parent row the last family that met it, and the next slot of each segment."""
    parents, segments = 0, 0
    for j in range(p.links.shape[0]):
        parents += p.links[j].parents
        segments += p.links[j].segments
    pointers = np.zeros(segments, np.int64)
    for j in range(p.links.shape[0]):
        link = p.links[j]
        for i in range(link.segments):
            pointers[link.pointer_at + i] = p.wholes[link.segment_at + i]
    return np.full(parents, -1, np.int64), pointers


def seen_bytes(p: Program, families: Families) -> int:
    """How many bytes a tree can look at."""
    kind = SEEN_BYTES + p.own_bytes if p.kind >= 0 else 0
    return int(families.context.shape[1] + POSITION_BYTES + kind + 2 * p.own_bytes + p.linked_bytes)


@kernel
def draw(p, families, seed, codes, numbers, features, chosen, dropped):  # type: ignore[no-untyped-def]
    """Fill codes int32[n, steps], numbers float64[n, steps], features uint8[n, own bytes], chosen int64[n, links].

    ``dropped`` (bool[n]) marks rows for which no permitted parent was left.
    """
    np.random.seed(seed)
    steps = p.steps
    context = families.context.shape[1]
    seen = context + POSITION_BYTES
    before = seen + (SEEN_BYTES if p.kind >= 0 else 0)
    alike_at = before + p.own_bytes
    linked = alike_at + (p.own_bytes if p.kind >= 0 else 0)
    own = linked + p.linked_bytes
    latest = np.full(256, -1, np.int64)
    had = np.zeros(families.labels.shape[1], np.int64)
    x = np.zeros(own + p.own_bytes, np.uint8)
    met, pointers = _memory(p)
    row = 0
    for family in range(families.counts.shape[0]):
        begin, count = row, families.counts[family]
        x[:context] = families.context[family]
        x[seen:linked] = 0
        latest[:] = -1
        had[:] = 0
        for i in range(count):
            alike = -1
            x[context], x[context + 1], x[context + 2] = min(count, 255), min(i, 255), min(count - i, 255)
            x[context + 3] = 0
            if p.paced >= 0 and i > 0:
                _, high = range_of(p, p.paced, row, False, family, families, numbers, chosen, -1)
                x[context + 3] = pace_byte(numbers[row - 1, p.paced], high, count - i)
            x[alike_at:] = 0
            for s in range(steps.shape[0]):
                at = own + steps[s].feature_at
                if steps[s].kind in (LINK, DIRECT):
                    if not _meet(
                        p, s, x, at, linked, own, row, begin, family, families, codes, numbers, chosen, met, pointers
                    ):
                        dropped[row] = True
                else:
                    _step(p, s, x, at, row, begin, count, family, families, codes, numbers, chosen, alike, had)
                if s == p.kind:
                    alike = latest[x[at]]
                    latest[x[at]] = row
                    if alike >= 0:
                        x[alike_at:linked] = features[alike]
            features[row] = x[own:]
            x[before:alike_at] = x[own:]
            if p.kind >= 0:
                level = x[own + steps[p.kind].feature_at]
                if level < SEEN_BYTES and x[seen + level] < 255:
                    x[seen + level] += 1
            row += 1
