"""Elements of arrays whose type takes no free text: what was drawn as text, made into valid values of the type.

Strings that at least k entities hold are real ones and stay; what was made from their pattern keeps its digits, hours
and letters as far as the type allows, and becomes NULL where nothing is known of the type.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.literals import literals_for
from dbclone.schema import SqlType, TypeFamily

_FREE = frozenset({TypeFamily.TEXT, TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT})
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?")
_HEX = "0123456789abcdef"


def valid(texts: pa.Array, kept: frozenset[str], item: SqlType, rng: np.random.Generator) -> pa.Array:
    """The texts, NULL among them, each a valid value of the element type."""
    if item.family in _FREE:
        return texts if item.length is None else pc.utf8_slice_codeunits(texts, 0, item.length)
    repair = _REPAIRS.get(item.family)
    values: list[str | None] = texts.to_pylist()
    new = [i for i, text in enumerate(values) if text is not None and text not in kept]
    if repair is not None:
        for i in new:
            values[i] = repair(str(values[i]), item, rng)
    else:
        forms = literals_for(item.sql, sorted(kept))
        made = forms.draw(len(new), rng).to_pylist() if forms else [None] * len(new)
        for i, text in zip(new, made, strict=True):
            values[i] = text
    return pa.array(values, pa.string())


def _label(text: str, item: SqlType, rng: np.random.Generator) -> str:
    return text if text in item.values else item.values[int(rng.integers(len(item.values)))]


def _truth(text: str, item: SqlType, rng: np.random.Generator) -> str:
    return text if text in ("t", "f") else "tf"[int(rng.integers(2))]


def _hexadecimal(text: str) -> str:
    return "".join(c if c in _HEX else _HEX[ord(c) % 16] for c in text.lower())


def _uuid(text: str, item: SqlType, rng: np.random.Generator) -> str:
    digits = _hexadecimal(text.replace("-", ""))[:32].ljust(32, "0")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _bytes(text: str, item: SqlType, rng: np.random.Generator) -> str:
    digits = _hexadecimal(re.sub(r"^\\*x|\\", "", text))
    return "\\x" + digits[: len(digits) // 2 * 2]


def _moment(text: str, item: SqlType, rng: np.random.Generator) -> str | None:
    """The drawn year, month, day and clock, each brought into its range; NULL if there is no day among it."""
    day, clock = _DAY.search(text), _CLOCK.search(text)
    parts = []
    if item.family is not TypeFamily.TIME:
        if day is None:
            return None
        year, month, number = map(int, day.groups())
        parts.append(f"{max(year, 1):04}-{(month - 1) % 12 + 1:02}-{(number - 1) % 28 + 1:02}")
    if item.family is not TypeFamily.DATE:
        hour, minute, second = (int(part or 0) for part in (clock.groups() if clock else (0, 0, 0)))
        parts.append(f"{hour % 24:02}:{minute % 60:02}:{second % 60:02}")
    return " ".join(parts)


_REPAIRS: dict[TypeFamily, Callable[[str, SqlType, np.random.Generator], str | None]] = {
    TypeFamily.BOOLEAN: _truth,
    TypeFamily.ENUM: _label,
    TypeFamily.UUID: _uuid,
    TypeFamily.BYTES: _bytes,
    TypeFamily.DATE: _moment,
    TypeFamily.TIME: _moment,
    TypeFamily.TIMESTAMP: _moment,
    TypeFamily.JSON: lambda text, item, rng: "{}",
}
