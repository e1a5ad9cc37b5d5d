"""Numbers that a database keeps as text, all written in one form: coded as numbers, written back in that form."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.base import contiguous
from dbclone.columns.number_forms import LONGEST_LITERAL, MOST, NumberForm, Units
from dbclone.columns.number_forms_learning import is_named_as_code, is_quantity, learn, looks_like_numbers
from dbclone.columns.soundness import require
from dbclone.columns.uniqueness import limited
from dbclone.privacy.private_words import tells
from dbclone.privacy.protection import Ints, count_entities

WRITTEN_NUMBER = "written number"
"""The kind of such a column."""
_FEWEST = 20
"""Different numbers below which they are labels."""
_MOST_STRAY = 0.01
"""Share of texts that are neither numbers nor the one that says that there is none; they count as that, or as NULL."""


@dataclass(frozen=True)
class WrittenNumberCodec:
    """A text is raw · ``step`` units of ``form`` (see NumberForm); NaN is NULL or the text that stands for nothing."""

    form: NumberForm
    step: int
    blank: str | None = None
    """The text that says that there is no number ('', 'n/a'), in columns that hold no NULL."""
    max_length: int | None = None
    type: str = "string"
    """Arrow type of the column."""

    lattice = True
    origin = 0.0

    def __post_init__(self) -> None:
        """ValueError if no number can be coded."""
        require(0 < self.step <= MOST and self.type == "string", "a written number")
        require(_may_say_nothing(self.blank or ""), "a written number")
        require(self.max_length is None or self.max_length > 0, "a written number")

    @classmethod
    def fit(
        cls,
        values: pa.ChunkedArray | pa.Array,
        k: int = 1,
        entities: Ints | None = None,
        max_length: int | None = None,
        private: frozenset[str] = frozenset(),
    ) -> WrittenNumberCodec | None:
        """The form and step of the texts (any number, NULLs allowed); None if they are not written in one form.

        At least k entities hold the words in it (``entities`` int64[n] says whose each row is; None: its own).
        """
        texts = contiguous(values)
        if not pa.types.is_string(texts.type) or not looks_like_numbers(texts.drop_null()[:1000].to_pylist()):
            return None
        form = learn(texts)
        if form is None or any(tells(text, private) for text in (form.before, form.after, form.suffix)):
            return None
        units, read = form.read(texts)
        if form.literal and count_entities(np.flatnonzero(read), entities) < k:
            return None
        others = texts.filter(pa.array(~read)).drop_null()
        blank = None
        if len(others) and not texts.null_count:
            blank = _blank(texts, others, max(k, 2), entities, private)
            others = others.filter(pc.not_equal(others, blank)) if blank is not None else others
        if len(others) > _MOST_STRAY * len(texts) or (len(others) and blank is None and not texts.null_count):
            return None  # nothing could stand for them
        step = int(np.gcd.reduce(units[read])) if len(np.unique(units[read])) > 1 else 1
        return cls(form, max(step, 1), blank, max_length)

    @property
    def unit(self) -> float:
        """What one lattice step is of what the text counts."""
        return self.step / 10**self.form.decimals

    def measure(self, values: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.float64]:
        """Lattice steps, float64[n]; NaN for NULL and for what is not written in the form."""
        units, read = self.form.read(contiguous(values))
        return np.where(read, np.round(units / self.step), np.nan)

    def numbers(self, values: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.float64]:
        """What the texts count, float64[n]: seconds, kilograms; NaN where they say nothing."""
        units, read = self.form.read(contiguous(values))
        return np.where(read, units / 10**self.form.decimals, np.nan)

    def restore(self, raw: npt.NDArray[np.float64]) -> pa.Array:
        """Texts from lattice steps; a number too long for the column is the largest that fits."""
        null = np.isnan(raw)
        units = np.clip(np.round(np.where(null, 0.0, raw)) * self.step, -MOST, MOST).astype(np.int64)
        return pc.if_else(pa.array(null), pa.scalar(self.blank, pa.string()), self._written(units))

    def _written(self, units: Units) -> pa.Array:
        texts = self.form.write(units)
        if self.max_length is None or not len(texts) or pc.max(pc.utf8_length(texts)).as_py() <= self.max_length:
            return texts
        long = pc.greater(pc.utf8_length(texts), self.max_length).to_numpy(zero_copy_only=False)
        roof = self.form.fits(self.max_length)
        return limited(self.form.write(np.where(long, np.clip(units, -roof, roof), units)), self.max_length)


def _blank(texts: pa.Array, others: pa.Array, k: int, entities: Ints | None, private: frozenset[str]) -> str | None:
    """The most frequent of the others, if at least k entities hold it, it is short and it has no digits."""
    text = Counter[str](others.to_pylist()).most_common(1)[0][0]
    rows = np.flatnonzero(pc.equal(texts, text).to_numpy(zero_copy_only=False))
    return text if _may_say_nothing(text) and count_entities(rows, entities) >= k and not tells(text, private) else None


def _may_say_nothing(text: str) -> bool:
    return len(text) <= LONGEST_LITERAL and not re.search("[0-9]", text)


def _is_more_than_digits(texts: pa.Array) -> bool:
    """Whether there are units, marks or signs in most of the first texts."""
    first = texts.drop_null()[:20].to_pylist()
    return 2 * sum(not text.isdigit() for text in first) > len(first)


def written_as(name: str, texts: pa.Array, *, bare: bool) -> str | None:
    """In which form texts (a sample, NULLs allowed) of a column of that name write quantities; None if they do not.

    ``bare``: digits alone may be quantities, too.
    """
    if is_named_as_code(name) or not (bare or _is_more_than_digits(texts)):
        return None
    codec = WrittenNumberCodec.fit(texts)
    if codec is None:
        return None
    units, read = codec.form.read(texts)
    if len(np.unique(units[read])) < _FEWEST or not is_quantity(codec.form, units[read], bare=bare):
        return None
    share = read.sum() / (len(texts) - texts.null_count)
    rest = "" if share == 1 else ", others say that there is none"
    return f"{share:.0%} are numbers written {'as' if codec.form.fields[1] > 1 else 'with'} {codec.form}{rest}"
