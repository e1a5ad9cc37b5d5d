"""The flat arrays that the compiled loop reads (see models.sequence), and the numbers that name kinds of things."""

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

TRIES = 24
REDRAWS = 8
"""How often a draw that cannot stand is drawn again."""


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
