"""In which order the columns of a row are drawn: the sort key, the kind of row, parents, then what they decide."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dbclone.columns.categorical import CategoricalCodec
from dbclone.models.conditional import information
from dbclone.models.counting import converted
from dbclone.models.encoding import ColumnStep
from dbclone.models.features import CodedFeature
from dbclone.models.layout import CODED, DIRECT, LINK, MEASURED
from dbclone.models.lookups import keeps_its_distance, lookups
from dbclone.models.observation import Observed
from dbclone.models.sampling import Shape
from dbclone.models.steps import Link, Scale

MOST_KINDS = 64
FEW_LEVELS = 24


def plain_numbers(observed: Observed, column: ColumnStep) -> np.ndarray:
    """The step's numbers or codes, NaN for NULL."""
    if column.measured:
        return observed.rows.numbers[column.step]
    codes = observed.rows.codes[column.step].astype(np.float64)
    codes[codes == 0] = np.nan
    return codes


def determining(observed: Observed, plain: dict[str, np.ndarray]) -> dict[str, str]:
    """Which step determines which.

    A category of few levels that a number of many values determines is left to a tree: its levels are ranges of the
    number (the test of a measurement that lies between 45 and 95), and it is the category that comes first.
    """
    columns = {c.step: c for c in observed.columns if c.measured or _is_category(c)}
    found = lookups({name: plain[name] for name in columns})
    return {
        b: a
        for b, a in found.items()
        if (
            not _is_counted(plain, columns[a], columns[b])
            if columns[b].measured
            else not columns[a].measured
            or columns[a].scale.temporal
            or len(np.unique(plain[a][~np.isnan(plain[a])])) <= MOST_KINDS
            or int(observed.rows.codes[b].max(initial=0)) > FEW_LEVELS
        )
    }


def _is_counted(plain: dict[str, np.ndarray], a: ColumnStep, b: ColumnStep) -> bool:
    dates = a.measured and a.scale.temporal and b.scale.temporal
    return dates and keeps_its_distance(converted(plain[a.step], a.scale, b.scale), plain[b.step])


def _is_category(column: ColumnStep) -> bool:
    return isinstance(column.codec, CategoricalCodec)


def kind_step(observed: Observed, links: tuple[Link, ...], determined: dict[str, str]) -> str:
    """A category of few levels that families go through again and again: the test of a measurement, the event."""
    if observed.owner is None or observed.rows.n < 2 * max(len(np.unique(observed.family)), 1):
        return ""
    names = [c.step for c in observed.columns if _is_category(c) and c.step not in determined]
    names += [f"link:{link.reference}" for link in links if link.direct and not link.distinct and not link.known]
    told = {}
    for name in names:
        level = np.minimum(observed.rows.codes[name], 255)
        if 2 <= len(np.unique(level)) <= MOST_KINDS:
            told[name] = _told(observed, name, level)
    best = max(told, key=lambda n: told[n], default="")
    return best if best and told[best] > 0.1 else ""


def _told(observed: Observed, name: str, level: np.ndarray) -> float:
    """Nats that the kind tells about the other columns of its row."""
    others = [c for c in observed.columns if c.step != name]
    nothing = np.zeros((0, len(level)), np.uint8)
    features = np.concatenate([nothing, *(observed.rows.bytes[c.step][:1] for c in others)])
    step = max(1, len(level) // 8_000)
    classes = np.minimum(level[::step], 31).astype(np.uint8)
    return float(information(np.ascontiguousarray(features[:, ::step]), classes, 32).sum())


def shapes_of(observed: Observed, links: tuple[Link, ...], kind: str, determined: dict[str, str]) -> Iterator[Shape]:
    """Steps in the order of the draw: sort key, kind, links, pointers, other columns, hidden values of the children.

    A column that another one determines comes after it.
    """
    steps = [c for name in observed.plan.order_by for c in observed.columns if c.column == name]
    steps = [c for c in steps if c.step not in determined]
    steps += [c for c in observed.columns if c.step == kind and c.step not in {s.step for s in steps}]
    early = {c.step for c in steps}
    for c in steps:
        yield Shape(c.step, MEASURED if c.measured else CODED, c.feature, c.scale)
    for link in sorted(links, key=lambda link: f"link:{link.reference}" != kind):
        yield Shape(f"link:{link.reference}", DIRECT if link.direct else LINK, CodedFeature(), Scale())
    for name, (feature, scale) in observed.hidden.items():
        if name.startswith("pointer:"):
            yield Shape(name, CODED, feature, scale)
    for c in _determining_first([c for c in observed.columns if c.step not in early], determined):
        yield Shape(c.step, MEASURED if c.measured else CODED, c.feature, c.scale)
    for prefix in ("type:", "level:", "count:", "labels:", "last:"):
        for name, (feature, scale) in observed.hidden.items():
            if name.startswith(prefix):
                yield Shape(name, CODED if prefix in ("type:", "labels:") else MEASURED, feature, scale)


def with_gate(observed: Observed, shapes: list[Shape]) -> list[Shape]:
    """The steps, and before a date that may be shared that which says whether it is."""
    if observed.shared is None:
        return shapes
    at = [s.name for s in shapes].index(observed.shared.step)
    feature, scale = observed.hidden[observed.shared.gate]
    return [*shapes[:at], Shape(observed.shared.gate, CODED, feature, scale), *shapes[at:]]


def _determining_first(columns: list[ColumnStep], determined: dict[str, str]) -> list[ColumnStep]:
    depth = {}
    for c in columns:
        depth[c.step], up = 0, c.step
        while up in determined and depth[c.step] <= len(columns):
            depth[c.step] += 1
            up = determined[up]
    places = {c.step: i for i, c in enumerate(columns)}

    def place(step: str) -> tuple[int, ...]:
        if step not in places:  # drawn before all of these
            return (-1,)
        return (*place(determined[step]), places[step]) if step in determined else (places[step],)

    return sorted(columns, key=lambda c: place(c.step))
