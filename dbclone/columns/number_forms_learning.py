"""Finding the form in which a column's texts write numbers, and whether they count or measure anything at all."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.number_forms import (
    GROUPS,
    LONGEST_LITERAL,
    MARKS,
    MINUS,
    MOST_DECIMALS,
    MOST_FIELDS,
    PLUS,
    NumberForm,
    Units,
)
from dbclone.key_names import ENDINGS, words

_T = TypeVar("_T")
_SIGNS = "".join((*MINUS, PLUS))
_NUMBER = re.compile(
    rf"(?P<lead>[^0-9]{{0,{LONGEST_LITERAL}}}?)(?P<digits>[.,]?[0-9](?:[0-9:{''.join(GROUPS)}]*[0-9])?)"
    rf"(?P<suffix>[^0-9]{{0,{LONGEST_LITERAL}}})",
    re.DOTALL,
)
_GLANCE, _LOOKS_LIKE = 100, 0.9
"""Different values that are looked at first, and the share that must look like numbers."""
_MOST_SHAPES = 2_000
NAMES = ENDINGS | {"version", "release", "build", "firmware", "zip", "postcode", "phone", "isbn", "year", "ip"}
"""Last words of names of what is written with digits but is no number."""
_JOINTS = re.compile(r"[#\\_@:;=&*|\-]|^/")
"""What stands between the parts of a code."""


@dataclass(frozen=True)
class _Shape:
    """Texts that are alike but for their digits: any but 0 stands as 1."""

    text: str
    count: int
    lead: str
    digits: str
    suffix: str

    @property
    def sign(self) -> str:
        found = [character for character in self.lead if character in _SIGNS]
        return found[0] if len(found) == 1 else ""

    @property
    def around(self) -> tuple[str, str]:
        """What stands before and behind the digits, without the sign."""
        return self.lead.replace(self.sign, "", 1) if self.sign else self.lead, self.suffix


def looks_like_numbers(texts: Sequence[str]) -> bool:
    """Whether it is worth while to look for a form, from a few of the texts."""
    known = list(dict.fromkeys(texts))
    some = known[:: max(len(known) // _GLANCE, 1)]
    numbers = [shape for text in some if (shape := _shape(text)) is not None]
    if len(numbers) < _LOOKS_LIKE * max(len(some), 1):
        return False
    (around, count), *_ = Counter(shape.around for shape in numbers).most_common(1)
    return count >= _LOOKS_LIKE * len(some) and _unit_like(*around)


def learn(texts: pa.Array) -> NumberForm | None:
    """The form in which the most texts are written; None where hardly any is a number."""
    shapes = _shapes(texts)
    around = Counter[tuple[str, str]]()
    for shape in shapes:
        around[shape.around] += shape.count
    if not around:
        return None
    usual = around.most_common(1)[0][0]
    alike = [shape for shape in shapes if shape.around == usual]
    written = pa.array([shape.text for shape in alike], pa.string())
    counts = np.array([shape.count for shape in alike])
    best, most = None, 0
    for form in _candidates(alike):
        explained = int(counts[form.read(written)[1]].sum())
        if explained > most:
            best, most = form, explained
        if most == counts.sum():
            break
    return best


def _shapes(texts: pa.Array) -> list[_Shape]:
    """The most frequent shapes of numbers, the most frequent first."""
    found = pc.value_counts(pc.replace_substring_regex(texts.drop_null(), "[1-9]", "1"))
    counts = found.field("counts").to_numpy(zero_copy_only=False)
    order = np.argsort(-counts, kind="stable")[:_MOST_SHAPES]
    texts = found.field("values").take(pa.array(order)).to_pylist()
    shapes = (_shape(text, count) for text, count in zip(texts, counts[order].tolist(), strict=True))
    return [shape for shape in shapes if shape is not None]


def _shape(text: str, count: int = 1) -> _Shape | None:
    match = _NUMBER.fullmatch(text)
    return None if match is None else _Shape(text, count, *match.group("lead", "digits", "suffix"))


def _candidates(shapes: Sequence[_Shape]) -> Iterator[NumberForm]:
    """Forms that may explain the shapes, the likeliest first: '1,234' has thousands, '1.234' decimals."""
    joints = _counted(shapes, [frozenset(shape.digits) - frozenset("01:") for shape in shapes])
    used = frozenset[str]().union(*joints)
    pairs = product(["", *(m for m in MARKS if m in used)], ["", *(g for g in GROUPS if g in used)])
    explained = {(m, g): sum(n for some, n in joints.items() if some <= {m, g}) for m, g in pairs if m != g or not m}
    for mark, group in sorted(explained, key=lambda p: (-explained[p], p[1] == ".", p[0] == ",")):
        yield from _with_marks(shapes, mark, group)


def _with_marks(shapes: Sequence[_Shape], mark: str, group: str) -> Iterator[NumberForm]:
    """With as many decimals as most have, then with those that are needed."""
    parted = [shape.digits.partition(mark) if mark else (shape.digits, "", "") for shape in shapes]
    whole = [first.replace(group, "").split(":") if group else first.split(":") for first, _, _ in parted]
    lengths = _counted(shapes, [len(decimals) for _, _, decimals in parted])
    fields = [len(parts) for parts in whole]
    if max(fields) > MOST_FIELDS or (max(fields) > 1 and group) or (mark and max(lengths) == 0):
        return
    before, after = _around_sign(shapes)
    signs = {shape.sign for shape in shapes}
    zeros = _counted(shapes, [shape.sign if "1" not in shape.digits else "" for shape in shapes])
    usual = max(lengths, key=lambda n: lengths[n])
    for least, most in dict.fromkeys([(usual, usual), (min(lengths), max(lengths))]):
        if most <= MOST_DECIMALS and bool(most) == bool(mark):
            yield NumberForm(
                before, after, shapes[0].suffix,
                negative=next((s for s in MINUS if s in signs), ""), positive=PLUS if PLUS in signs else "",
                zero=PLUS if zeros.get(PLUS, 0) else "", width=_width(shapes, [parts[0] for parts in whole]),
                group=group, mark=mark, least=least, decimals=most, fields=(min(fields), max(fields)),
            )  # fmt: skip


def _counted(shapes: Sequence[_Shape], found: Sequence[_T]) -> Mapping[_T, int]:
    """How many texts have each of the values that are found per shape."""
    counts = Counter[_T]()
    for shape, value in zip(shapes, found, strict=True):
        counts[value] += shape.count
    return counts


def _around_sign(shapes: Sequence[_Shape]) -> tuple[str, str]:
    """What stands before the digits, in two parts: before and after the sign."""
    signed = next((shape for shape in shapes if shape.sign), None)
    if signed is None:
        return shapes[0].lead, ""
    before, _, after = signed.lead.partition(signed.sign)
    return before, after


def _width(shapes: Sequence[_Shape], first: Sequence[str]) -> int:
    """Digits of the first field: those that are filled up with zeros tell, or a missing zero."""
    padded = [len(digits) for digits in first if digits.startswith("0") and len(digits) > 1]
    if padded:
        return min(padded)
    return 0 if "" in first else 1


def is_named_as_code(name: str) -> bool:
    """Whether a column's name says that it holds codes, keys or other digits that are no numbers."""
    said = words(name)
    return bool(said) and said[-1] in NAMES


def is_quantity(form: NumberForm, units: Units, *, bare: bool) -> bool:
    """Whether numbers of that form (int64[n], units) count or measure something, and are no codes, keys or dates.

    What is written with decimals, in fields of sixty, with a unit (of which 'lap 5 of race' has none) or with both
    signs does.  Bare digits only do if ``bare`` says that they may, if nothing stands around them and if they are more
    or fewer, without zeros before them.
    """
    if not _unit_like(form.before + form.after, form.suffix) or _date_like(form, units):
        return False
    if form.decimals or form.fields[1] > 1 or _has_unit(form) or (form.negative and (units > 0).any()):
        return True
    various = len(np.unique(np.char.str_len(np.abs(units).astype(str)))) > 1 and form.width <= 1
    return various and not form.literal and (bare or bool(form.group))


def _unit_like(before: str, suffix: str) -> bool:
    """Whether what stands around the digits may be a unit or currency: 'INV-', 'v' and '-A' are none."""
    if _JOINTS.search(before) or _JOINTS.search(suffix) or "/" in before:
        return False
    return not any(map(str.isalpha, before)) or before[-1:].isspace() or _has_symbol(before)


def _has_unit(form: NumberForm) -> bool:
    """Whether a symbol (€, %, °) stands beside the digits or a word behind them: ' A' and 'mg', but not 'A'."""
    named = any(map(str.isalpha, form.before + form.after))
    word = (
        not named and any(map(str.isalpha, form.suffix[1:])) and (form.suffix[0].isspace() or not form.suffix.isupper())
    )
    return word or _has_symbol(form.before + form.after + form.suffix)


def _has_symbol(text: str) -> bool:
    return any(character in "%‰°" or unicodedata.category(character) == "Sc" for character in text)


def _date_like(form: NumberForm, units: Units) -> bool:
    """Whether all numbers may be months: '12.2020', '2020.12'."""
    whole, part = np.divmod(np.abs(units), 10**form.decimals)
    years = [side for side, digits in ((part, form.decimals == 4), (whole, form.decimals == 2)) if digits]
    return bool(len(units)) and any(bool(((side >= 1900) & (side < 2100)).all()) for side in years)
