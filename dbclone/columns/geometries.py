"""Geometries as well-known text, which MariaDB prints: one small figure at each place."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_TEXT = re.compile(r"(SRID=\d+;)?(POINT|LINESTRING|POLYGON|MULTI\w+|GEOMETRYCOLLECTION) ?\(")
_FORMS = {
    "POINT": "POINT({x} {y})",
    "LINESTRING": "LINESTRING({x} {y},{a} {b})",
    "POLYGON": "POLYGON(({x} {y},{a} {y},{a} {b},{x} {y}))",
    "MULTIPOINT": "MULTIPOINT({x} {y},{a} {b})",
    "MULTILINESTRING": "MULTILINESTRING(({x} {y},{a} {b}))",
    "MULTIPOLYGON": "MULTIPOLYGON((({x} {y},{a} {y},{a} {b},{x} {y})))",
    "GEOMETRYCOLLECTION": "GEOMETRYCOLLECTION(POINT({x} {y}))",
}
_SIDE = 0.01


def words_of(kind: str, values: Sequence[str]) -> tuple[str, ...] | None:
    """What stands before the texts, and the figure that is frequent; None if they are no such texts.

    ``kind`` is the column's type: 'geometry' holds any figure.
    """
    found = [match for value in values[:200] if (match := _TEXT.match(value))]
    if not found or len(found) < len(values[:200]):
        return None
    figures = [match[2] for match in found]
    figure = kind.upper() if kind.upper() in _FORMS else max(set(figures), key=figures.count)
    prefixes = [match[1] or "" for match in found]
    return max(set(prefixes), key=prefixes.count), figure


def texts(words: tuple[str, ...], x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> pa.Array:
    """A figure at each place, of a size that is the same for all."""
    prefix, figure = words or ("", "POINT")
    form = prefix + _FORMS.get(figure, _FORMS["POINT"])
    places = zip(np.round(x, 4).tolist(), np.round(y, 4).tolist(), strict=True)
    made = [form.format(x=px, y=py, a=round(px + _SIDE, 4), b=round(py + _SIDE, 4)) for px, py in places]
    return pa.array(made, pa.string())
