"""Which of the parents due is chosen, by their dates: the ticket after its order, the prescription on its visit's day.

A date of the row that is drawn before the parent, and a date of the parent, lie at certain distances.  A distance is
drawn, and of the parents that may be chosen the one is taken whose date comes nearest to it.  Where the distance is one
that many share, the row's date then follows the parent's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dbclone.models.atoms import Atoms
from dbclone.models.counting import WORTH, converted, saved
from dbclone.models.inequalities import holds
from dbclone.models.layout import MEASURED
from dbclone.models.observation import Observation, Observed
from dbclone.models.rows import Path, gather_numbers
from dbclone.models.sampling import Shape
from dbclone.models.steps import Anchor, Link


def anchor_of(seen: Observation, observed: Observed, link: Link, drawn: Sequence[Shape]) -> Anchor | None:
    """The pair of dates whose distance says most, None where none does; ``drawn`` are the steps before the link."""
    up = observed.rows.parents[link.reference]
    if link.direct or not link.numbers or not (up >= 0).any():
        return None
    block = gather_numbers(seen.database, link.parent, link.numbers)
    columns = {c.step: c for c in seen.tables[link.parent].columns}
    best: tuple[float, Shape, Path, np.ndarray] | None = None
    for shape in drawn:
        if shape.kind != MEASURED or not shape.scale.temporal or not shape.name.startswith("column:"):
            continue
        raw = observed.rows.numbers[shape.name]
        for path, numbers in zip(link.numbers, block.T, strict=True):
            scale = columns[path.step].scale
            if path.hops or not scale.temporal or columns[path.step].clock:
                continue
            there = converted(np.where(up >= 0, numbers[np.maximum(up, 0)], np.nan), scale, shape.scale)
            gain = saved(raw, there, shape.scale.lattice)
            if gain <= WORTH and not holds(raw, there):
                continue
            if best is None or gain > best[0]:
                best = gain, shape, path, raw - there
    if best is None:
        return None
    _, shape, path, distance = best
    atoms = Atoms.fit(distance, shape.scale.lattice, observed.guard.k, observed.guard.owners)
    counts = np.bincount(atoms.encode(distance), minlength=atoms.size)[1:]
    return Anchor(shape.name, path, columns[path.step].scale, atoms, np.cumsum(counts) / max(counts.sum(), 1))
