"""What is known of a table after fitting, as frozen values: the steps of its rows, their trees, the links' parents."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dbclone.columns.soundness import require, require_slices, require_vectors
from dbclone.models.atoms import Atoms
from dbclone.models.calendar import on_days_of_month
from dbclone.models.features import CodedFeature, MeasuredFeature
from dbclone.models.layout import ABSOLUTE, LOOKUP, MOST_KNOWN, PACED
from dbclone.models.rows import Hop, Path
from dbclone.models.sieve import NO_SIEVE, Sieve
from dbclone.models.tree import Tree
from dbclone.schema import TableName

MANY = 0.1
"""Share of rows from which on a distance is a rule: stays of one, two or seven nights."""


@dataclass(frozen=True)
class Scale:
    """What a lattice number means: value = raw · unit + offset (microseconds since 1970 where ``temporal``)."""

    unit: float = 1.0
    offset: float = 0.0
    temporal: bool = False
    lattice: bool = True


@dataclass(frozen=True)
class Variant:
    """One way to draw a step; the first whose reference is not NULL is taken."""

    reference: int
    """ABSOLUTE … LOOKUP (models.sequence)."""
    tree: Tree | None = None
    """None for LOOKUP."""
    atoms: Atoms | None = None
    """None for coded steps."""
    source: Path | None = None
    """The number counted from: a path from the row (SAME_ROW, SIBLING), from the owner, or from the linked parent."""
    scale: Scale = Scale()
    """Scale of the source."""
    link: int = -1
    """Number of the link, where the reference is LINKED."""
    known: np.ndarray = field(default_factory=lambda: np.zeros(0))
    starts: np.ndarray = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    determined: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """LOOKUP: rising numbers (or codes) of the source, and the slice of values that go with each."""

    @property
    def usual(self) -> np.ndarray:
        """bool[intervals]: single distances that many rows keep from what they are counted from."""
        if self.tree is None or self.atoms is None or self.reference in (ABSOLUTE, LOOKUP, PACED):
            return np.zeros(0, dtype=bool)
        codes = self.tree.codes[self.tree.codes > 0]
        rows = np.bincount(codes, minlength=self.atoms.size)[1:]
        return (self.atoms.low == self.atoms.high) & (rows >= MANY * len(codes))

    def __post_init__(self) -> None:
        """ValueError if a code could have no interval, or a key no values."""
        require_slices("a lookup", self.starts, len(self.known), len(self.determined))
        if self.tree is not None and self.atoms is not None:
            require(self.tree.codes.max(initial=0) < self.atoms.size, "a tree")


@dataclass(frozen=True)
class Bound:
    """A number that a measured step may not be below, or above (``upper``)."""

    reference: int
    source: Path
    scale: Scale
    link: int
    upper: bool
    clock: float = 1.0
    """Microseconds per unit of the source's time of day, where it is drawn apart from its day."""
    moments: bool = True
    """Whether it holds for times of day as well where the days are the same."""


@dataclass(frozen=True)
class NullRule:
    """The step is NULL exactly where ``source`` (an earlier step) has one of certain keys (models.nulls)."""

    source: str
    known: np.ndarray
    empty: np.ndarray

    def __post_init__(self) -> None:
        require(self.known.ndim == 1 and self.known.shape == self.empty.shape, "a rule for NULLs")


@dataclass(frozen=True)
class LabelSets:
    """The sets of a step's labels that families have (models.label_sets), by the code of the owner's step.

    Code 0 leaves the labels free.
    """

    step: str
    """The parent's."""
    masks: np.ndarray
    """int64[codes]: bit i stands for code i of the labels."""

    def __post_init__(self) -> None:
        """ValueError if a set could have no label or not be one."""
        require_vectors("sets of labels", "i", self.masks)
        require(len(self.masks) > 0 and self.masks[0] == 0 and (self.masks[1:] > 0).all(), "sets of labels")


@dataclass(frozen=True)
class Step:
    """One draw in a row.  Names: 'column:x', 'time:x', and 'link:', 'pointer:', 'type:', 'level:', 'count:…'."""

    name: str
    kind: int
    """CODED, MEASURED, LINK or DIRECT (models.sequence)."""
    feature: CodedFeature | MeasuredFeature
    variants: tuple[Variant, ...]
    scale: Scale = Scale()
    low: float = 0.0
    high: float = 0.0
    """Extremes of measured steps, in lattice numbers."""
    bounds: tuple[Bound, ...] = ()
    nulls: NullRule | None = None
    sieve: Sieve = NO_SIEVE
    """Where no number of a measured step may stand; of a time of day, none of it and its day together."""
    month_days: int = 0
    """Days of the month on which alone its dates stand (models.calendar); 0: on any."""
    counts_on: bool = False
    """Whether it counts the siblings: it ends where they do, whatever ``high`` says, and has no sieve."""
    once: bool = False
    """Whether siblings hardly ever share a code of a coded step, though they would by chance."""
    ends: Path | None = None
    """The owner's number that the last sibling has."""
    labels: LabelSets | None = None
    """Of a coded step: which of its labels a family has."""
    beyond: int = 0
    """Rows of the source below ``low`` or above ``high``."""

    def permits(self, number: float) -> bool:
        """Whether a number may be drawn: where the sieve allows it, and on a day of the month that the column knows."""
        if self.month_days:
            nearest: float = on_days_of_month(number, self.scale.offset, self.month_days, number - 31, number + 31)
            return nearest == number and self.sieve.allows(number)
        return self.sieve.allows(number)


@dataclass(frozen=True)
class Restriction:
    """A link's candidates share a value with something already known.

    ``left`` is evaluated on the source, ``right`` on the candidate; both lead to a row of the same table (``values``
    empty), or to a row whose key columns are compared by value.
    """

    source: str
    """'owner', 'sibling', 'self' (the row's own number) or the reference id of another link."""
    left: Path
    right: Path
    left_columns: tuple[str, ...] = ()
    right_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Anchor:
    """How far a date of the row, drawn before the link, lies from a date of the linked parent (models.anchors)."""

    step: str
    source: Path
    """The parent's date."""
    scale: Scale
    """Scale of the parent's date."""
    distances: Atoms
    """In units of the row's date."""
    shares: np.ndarray
    """float64[distances], rising to 1: cumulative shares of the rows."""


@dataclass(frozen=True)
class Known:
    """A row of a link's parent that is known before it is chosen (models.known_parents)."""

    source: int
    """BY_OWNER, BY_PREVIOUS or BY_ROW (models.layout)."""
    reference: str
    """What the previous sibling, or the row itself, refers to; '' where it is the owner that knows."""
    hops: tuple[Hop, ...]
    """From there to the parent."""


@dataclass(frozen=True)
class SharedDates:
    """Another table of the same owner, on whose dates a row's date may stand (models.shared_dates)."""

    step: str
    """The row's date."""
    gate: str
    """The step that says whether it does."""
    table: TableName
    reference: str
    """That table's reference to the owner."""
    source: str
    """That table's date."""
    scale: Scale
    """Scale of that table's date."""


@dataclass(frozen=True)
class Link:
    """A further parent of a row: which one, and what the row sees of it."""

    reference: str
    parent: TableName
    direct: bool
    """The parent is copied as it is, so that its row is a category."""
    distinct: int
    """Whether a family refers to a parent row only once: 0, BY_KEY or BY_HABIT."""
    nullable: bool
    types: int
    context: tuple[Path, ...]
    numbers: tuple[Path, ...]
    restriction: Restriction | None
    anchor: Anchor | None = None
    known: tuple[Known, ...] = ()
    """Ways to know the parent; their codes follow those of the types, or of the parents where the link is direct."""

    def __post_init__(self) -> None:
        require(0 <= len(self.known) <= MOST_KNOWN, "a link")


@dataclass(frozen=True)
class TableSteps:
    """The program of a table's rows."""

    table: TableName
    owner: str | None
    """Reference id of the owner; None where rows stand alone."""
    owner_table: TableName | None
    context: tuple[Path, ...]
    """From the owner's row."""
    numbers: tuple[Path, ...]
    links: tuple[Link, ...]
    steps: tuple[Step, ...]
    ownerless: int
    """Rows of the source that have no owner."""
    paced: str = ""
    """The sort-key step whose remaining room is shown, if any."""
    kind: str = ""
    """The coded step that says what kind of row it is, if any."""
    shared: SharedDates | None = None
    """Whose dates the rows' dates may be, if anybody's."""
