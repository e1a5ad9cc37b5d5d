"""How a column writes its numbers as text: '1:27.601', '$1,234.50', '1.234,56 €', '007.50', '-3.2 °C'."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.soundness import require

Units = npt.NDArray[np.int64]

MINUS, PLUS = ("-", "\N{MINUS SIGN}"), "+"
MARKS = (".", ",")
GROUPS = (",", ".", "'", "\N{RIGHT SINGLE QUOTATION MARK}", " ", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}")
MOST_DECIMALS, MOST_FIELDS, MOST_DIGITS = 6, 3, 15
LONGEST_LITERAL = 16
"""Characters of the longest unit or currency."""
MOST = 2**53
"""Beyond it floats do not tell one number from the next."""
_BASE = 60
"""Seconds of a minute, minutes of an hour."""


@dataclass(frozen=True)
class NumberForm:
    """One way of writing: ``before`` sign ``after`` digits ``suffix``.

    A number is an integer of *units*: 10^-``decimals`` of what it counts, of the last of its fields ('m:ss').
    """

    before: str = ""
    after: str = ""
    suffix: str = ""
    negative: str = ""
    """Sign of negative numbers; '' where there are none."""
    positive: str = ""
    zero: str = ""
    width: int = 1
    """Digits of the first field at least; 0 where '.5' stands for '0.5'."""
    group: str = ""
    """What separates thousands."""
    mark: str = ""
    """What separates the decimals."""
    least: int = 0
    """Decimals that are written even if they are zeros."""
    decimals: int = 0
    fields: tuple[int, int] = (1, 1)
    """How many fields to the base of sixty there are, at least and at most, with ':' between them."""

    def __post_init__(self) -> None:
        """ValueError for a form that nothing can be written in."""
        literals = (self.before, self.after, self.suffix)
        require(all(len(text) <= LONGEST_LITERAL and not re.search("[0-9]", text) for text in literals), "a form")
        require(self.negative in ("", *MINUS) and {self.positive, self.zero} <= {"", PLUS}, "a form")
        require(self.mark in ("", *MARKS) and self.group in ("", *GROUPS), "a form")
        require(self.mark != self.group or not self.mark, "a form")
        require(0 <= self.least <= self.decimals <= MOST_DECIMALS and bool(self.decimals) == bool(self.mark), "a form")
        require(1 <= self.fields[0] <= self.fields[1] <= MOST_FIELDS and 0 <= self.width <= MOST_DIGITS, "a form")
        require(self.fields[1] == 1 or not self.group, "a form")

    @property
    def literal(self) -> bool:
        """Whether words or symbols of the source stand in it."""
        return bool(self.before or self.after or self.suffix)

    def read(self, texts: pa.Array) -> tuple[Units, npt.NDArray[np.bool_]]:
        """The units of each text, int64[n], and which texts are written in this very form, bool[n]; NULL is not.

        What is read is written as it was, but '-0.0' as 0.
        """
        parts = pc.extract_regex(texts, pattern=self._pattern)
        names = ("hours", "minutes", "last")
        numbers = [_integers(pc.replace_substring(pc.struct_field(parts, n), self.group or " ", "")) for n in names]
        whole = (numbers[0] * _BASE + numbers[1]) * _BASE + numbers[2]
        decimals = pc.utf8_rpad(pc.struct_field(parts, "decimals"), self.decimals, "0")
        small = whole < MOST // 10**self.decimals
        units = np.where(small, whole, 0) * 10**self.decimals + _integers(decimals)
        sign = pc.fill_null(pc.is_in(pc.struct_field(parts, "sign"), value_set=pa.array(MINUS)), False)
        units = np.where(sign.to_numpy(zero_copy_only=False), -units, units)
        same = pc.or_(pc.equal(self.write(units), texts), pc.equal(texts, self._minus_zero))
        return units, small & pc.fill_null(same, False).to_numpy(zero_copy_only=False)

    @property
    def _minus_zero(self) -> str:
        """What rounding writes for small negative numbers; it is read as zero."""
        unsigned = self if not self.negative else replace(self, zero="")
        text: str = unsigned.write(np.zeros(1, dtype=np.int64))[0].as_py()
        return self.before + self.negative + text.removeprefix(self.before)

    @property
    def _pattern(self) -> str:
        """Takes in a little more than the form, as what is read is written again and compared."""
        before, after, suffix = map(_escaped, (self.before, self.after, self.suffix))
        clock = f"(?:(?:(?P<hours>[0-9]*):)?(?P<minutes>[0-9]*):)?(?P<last>[0-9{_escaped(self.group)}]*)"
        decimals = f"(?:{_escaped(self.mark or '.')}(?P<decimals>[0-9]*))?"
        return f"(?s)^{before}(?P<sign>[{_escaped(PLUS + ''.join(MINUS))}]?){after}{clock}{decimals}{suffix}$"

    def write(self, units: Units) -> pa.Array:
        """The text of each number; one below zero is written as 0 where no number is negative."""
        units = np.clip(units, -MOST if self.negative else 0, MOST)
        whole, part = np.divmod(np.abs(units), 10**self.decimals)
        signs = pa.array([self.negative, self.zero, self.positive]).take(pa.array(np.sign(units) + 1))
        return pc.binary_join_element_wise(
            self.before, signs, self.after, self._fields(whole), self._decimals(part), self.suffix, ""
        )

    def fits(self, longest: int) -> int:
        """The largest number of which no text, whatever the sign, has more than so many characters; 0 if none has."""
        fixed, low, high = replace(self, least=self.decimals), 0, MOST
        while low < high:
            middle = (low + high + 1) // 2
            ends = fixed.write(np.array([middle, -middle], dtype=np.int64))
            fitting = pc.max(pc.utf8_length(ends)).as_py() <= longest
            low, high = (middle, high) if fitting else (low, middle - 1)
        return low

    def _fields(self, whole: Units) -> pa.Array:
        """As many fields as the number needs."""
        least, most = self.fields
        texts = self._in_fields(whole, most)
        for count in range(most - 1, least - 1, -1):
            texts = pc.if_else(pa.array(whole < _BASE**count), self._in_fields(whole, count), texts)
        return texts

    def _in_fields(self, whole: Units, count: int) -> pa.Array:
        rest: list[pa.Array] = []
        for _ in range(count - 1):
            whole, low = np.divmod(whole, _BASE)
            rest.insert(0, pc.utf8_lpad(_digits(low), 2, "0"))
        first = pc.utf8_lpad(_grouped(whole, self.group) if self.group else _digits(whole), self.width, "0")
        if self.width == 0:
            first = pc.if_else(pa.array(whole == 0), "", first)
        return pc.binary_join_element_wise(first, *rest, ":") if rest else first

    def _decimals(self, part: Units) -> pa.Array:
        if not self.decimals:
            return pa.array([""] * len(part), pa.string())
        texts = pc.utf8_lpad(_digits(part), self.decimals, "0")
        if self.least < self.decimals:
            texts = pc.utf8_rpad(pc.utf8_rtrim(texts, "0"), self.least, "0")
        return pc.if_else(pc.equal(texts, ""), "", pc.binary_join_element_wise(self.mark, texts, ""))

    def __str__(self) -> str:
        """The form in words that hold nothing of the data, for a plan's reader."""
        if self.fields[1] > 1:
            clock = {2: "m:ss", 3: "h:mm:ss"}[self.fields[1]]
            clock = f"{clock[0] if self.width > 1 else ''}{clock}"
            return f"{clock}.{'f' * self.decimals}" if self.decimals else clock
        spread = "" if self.least == self.decimals else "up to "
        count = (
            f"{spread}{self.decimals} decimal{'' if self.decimals == 1 else 's'}" if self.decimals else "no decimals"
        )
        parts = [count, *(["thousands apart"] if self.group else []), *(["a unit"] if self.literal else [])]
        return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else count


def _escaped(literal: str) -> str:
    return re.escape(literal)


def _digits(numbers: Units) -> pa.Array:
    return pc.cast(pa.array(numbers, pa.int64()), pa.string())


def _integers(digits: pa.Array) -> Units:
    """0 for what is NULL, empty or too long."""
    length = pc.utf8_length(digits)
    fitting = pc.and_(pc.greater(length, 0), pc.less_equal(length, MOST_DIGITS))
    filled = pc.fill_null(pc.if_else(fitting, digits, "0"), "0")
    return np.asarray(filled.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)


def _grouped(numbers: Units, group: str) -> pa.Array:
    """The digits with something between thousands."""
    small = pa.array(numbers < 1000)
    if not len(numbers) or numbers.max() < 1000:
        return _digits(numbers)
    high, low = np.divmod(numbers, 1000)
    parted = pc.binary_join_element_wise(_grouped(high, group), pc.utf8_lpad(_digits(low), 3, "0"), group)
    return pc.if_else(small, _digits(numbers), parted)
