"""The arrays that the compiled loop reads (see models.sequence), and the numbers that name kinds of things.

Everything of variable length lies end to end in three pools (numbers, whole numbers, bytes); records say where.  Few
arrays matter: the compiler spends its time on passing them between functions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

CODED, MEASURED, LINK, DIRECT = 0, 1, 2, 3
"""Kinds of step.  LINK draws a type of parent and takes a row of that type; DIRECT draws the parent row itself."""

ABSOLUTE, SIBLING, SAME_ROW, OWNER, LINKED, ALIKE, LOOKUP, PACED = 0, 1, 2, 3, 4, 5, 6, 7
"""What a step is counted from: nothing, the previous sibling, an earlier step, the owner, a linked parent, the last
sibling of the same kind; LOOKUP takes what goes with the value of an earlier step; PACED counts from the previous
sibling in units of the room left per remaining sibling (spacings of a sample are exponential in these units)."""

POSITION_BYTES = 4
SEEN_BYTES = 16
SAME_AS_PREVIOUS, SAME_AS_EARLIER, FIRST_TYPE = 1, 2, 3
"""Codes of a LINK step; 0 is no parent, FIRST_TYPE + t a parent of type t that this family has not met."""

UNRESTRICTED, BY_FAMILY, BY_LINK, BY_SIBLING = 0, 1, 2, 3
"""Where the candidates of a link come from: all rows, or the group named by the owner, another link, the sibling."""
BY_KEY, BY_HABIT = 1, 2
"""Why a family meets no parent twice: it must not, or it hardly ever does, and may where no other parent is left."""
ANY_GROUP = -2
"""In place of a group: the row has nothing yet that names one."""

BY_OWNER, BY_PREVIOUS, BY_ROW = 0, 1, 2
"""Who knows a link's parent: the owner, the previous sibling's link, an earlier link of the row."""
MOST_KNOWN = 4
APART, ON = 1, 2
"""Codes of the step that says whether a date is one of the family's; 0: there is none."""

TRIES = 24
MOST_DATES = 48
"""Slots of a segment of which the dates are looked at."""
MONTHS, DAYS_OF_MONTH = 24, 30.4
"""Months around in which a day of the month is looked for, and about how far they lie apart."""
REDRAWS = 8
"""How often a draw that cannot stand is drawn again."""

_NODE_PLACES = ("feature", "left", "right", "parent", "start", "end")
NODE = np.dtype([*((n, np.int64) for n in _NODE_PLACES), ("climb", np.float64)])
"""A tree's node; ``start`` and ``end`` cut ``codes``, ``climb`` is the probability of a draw from the node above."""

TREE = np.dtype([("root", np.int64)])

STEP = np.dtype(
    [
        *((n, np.int64) for n in ("kind", "feature_at", "first_variant", "variants", "link", "lattice")),
        *((n, np.float64) for n in ("low", "high", "unit", "origin")),
        *((n, np.int64) for n in ("parts", "edges_at", "edges_n", "known_at", "known_n", "types_at")),
        *((n, np.int64) for n in ("first_bound", "bounds", "null_source", "null_at", "null_n", "empty_at")),
        *((n, np.int64) for n in ("cuts_at", "moduli_at", "classes_at", "cells", "kept_at", "kept_n")),
        *((n, np.int64) for n in ("temporal", "days", "month_days", "once", "ends", "labels")),
    ]
)
"""``feature_at`` is the place of the step's first byte among the own bytes, ``link`` its link or −1; ``null_source``
the step that decides whether this one is NULL, or −1; ``cuts`` to ``kept`` are its sieve (models.sieve);
``temporal``: whether it is a date or time, ``days`` one without time of day, ``month_days`` on which days of the
month (models.calendar); ``once``: whether siblings hardly ever share its code; ``ends``: the
family's number that the last sibling has, or −1; ``labels``: the family's set of its labels, or −1."""

VARIANT = np.dtype(
    [
        *((n, np.int64) for n in ("reference", "source", "link", "tree", "low_at", "high_at")),
        *((n, np.float64) for n in ("scale", "shift")),
        *((n, np.int64) for n in ("known_at", "known_n", "starts_at", "determined_at", "usual_at")),
    ]
)
"""``source``: a step, a column of the family's numbers or of the linked parent's.  Its numbers are brought to the
step's lattice by number · scale + shift.  LOOKUP: known numbers, and slices of what goes with each.
``usual``: which of a date's distances it keeps wherever they lead; −1: none."""

BOUND = np.dtype(
    [
        *((n, np.int64) for n in ("reference", "source", "link", "upper")),
        *((n, np.float64) for n in ("scale", "shift")),
    ]
)
"""What a measured step may not be below, or above."""

_LINK_FLAGS = ("types", "distinct", "nullable", "restriction", "source")
_LINK_PLACES = ("segment_at", "segments", "pointer_at", "group_at", "groups", "parents", "met_at")
_LINK_PARENTS = ("parent_group_at", "parent_type_at", "via_at")
_LINK_BLOCKS = ("bytes_at", "bytes_n", "block_at", "numbers_at", "numbers_n")
_LINK_ANCHOR = ("anchor", "anchor_source", "anchor_low_at", "anchor_high_at", "anchor_share_at", "anchor_n")
_LINK_KNOWN = ("first_known", "knowns")
_LINK_NUMBERS = (*_LINK_FLAGS, *_LINK_PLACES, *_LINK_PARENTS, *_LINK_BLOCKS, *_LINK_ANCHOR, *_LINK_KNOWN)
LINK_FIELDS = np.dtype(
    [
        *((n, np.int64) for n in _LINK_NUMBERS),
        *((n, np.float64) for n in ("anchor_scale", "anchor_shift")),
    ]
)
"""Candidate parents of a link, cut in segments (group · types + type) of shuffled slots, one per child due.

``distinct``: whether a family meets a parent only once; ``source``: the link that names the group (BY_LINK); ``via``:
the group that each parent row names for the link that it restricts; ``bytes_at``: place in the linked part of x;
``anchor``: the step whose distance from the parent's number ``anchor_source`` decides among parents, or −1."""

KNOWN = np.dtype([(n, np.int64) for n in ("source", "link", "rows_at")])
"""A way to know a link's parent: ``source`` BY_OWNER … BY_ROW, the ``link`` that leads there, and the parent's row for
each row of that link's parent."""


class Families(NamedTuple):
    counts: np.ndarray
    context: np.ndarray
    """uint8[families, context bytes]"""
    numbers: np.ndarray
    """float64[families, owner numbers]"""
    group: np.ndarray
    """int64[links, families]: the group of candidates (BY_FAMILY), −1 for none."""
    known: np.ndarray
    """int64[ways to know, families]: the parent's row that the owner names, −1 for none."""
    labels: np.ndarray
    """int64[families, steps with sets of labels]: bit i stands for code i; 0: any."""
    dates: np.ndarray
    """float64[m]: dates that rows may share, rising in each family."""
    dates_at: np.ndarray
    """int64[families + 1]: where those of each family begin."""


class Program(NamedTuple):
    nodes: np.ndarray
    masks: np.ndarray
    """uint64[nodes, 4]: byte values that go left."""
    codes: np.ndarray
    trees: np.ndarray
    steps: np.ndarray
    variants: np.ndarray
    bounds: np.ndarray
    links: np.ndarray
    knowns: np.ndarray
    reals: np.ndarray
    wholes: np.ndarray
    octets: np.ndarray
    own_bytes: int
    linked_bytes: int
    paced: int
    """Step whose room is paced, or −1."""
    kind: int
    """Step that says a row's kind, or −1."""
    shared: int
    """Date that may be one of the family's, or −1."""
    gate: int
    """Step that says whether it is, or −1."""
