"""Making texts differ from each other, within a length limit.

They differ even where the database ignores case, accents or spaces at the end (citext, NOCASE, CHAR, MariaDB's
collations), as long as there is room.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.errors import PlanError

ENUMERATION = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CASELESS = 36
"""So many characters at the beginning of ENUMERATION differ even where case is ignored."""
_ROUNDS = 8


def distinct(draw: Callable[[int], pa.Array], n: int, max_length: int | None) -> pa.Array:
    """n different texts from a source of texts, in the order drawn; enumerated ones where it keeps repeating itself."""
    found = _first_ones(limited(draw(n), max_length))
    for _ in range(_ROUNDS):
        if len(found) >= n:
            return found[:n]
        more = limited(draw(max(64, 2 * (n - len(found)))), max_length)
        found = _first_ones(pa.concat_arrays([found, more]))
    return _filled_up(found[:n], n, max_length)


def make_unique(
    texts: pa.Array, redraw: Callable[[npt.NDArray[np.int64]], pa.Array], max_length: int | None
) -> pa.Array:
    """The same texts where they differ; repeats are drawn again by row number, at last numbered.

    NULLs are left alone.  PlanError if the length limit allows fewer different texts than rows.
    """
    texts = limited(texts, max_length)
    for _ in range(_ROUNDS):
        rows = _repeats(texts)
        if not len(rows):
            return texts
        texts = _replaced(texts, rows, limited(redraw(rows), max_length))
    for start in (2, 1000, 1_000_000):
        rows = _repeats(texts)
        if not len(rows):
            return texts
        texts = _replaced(texts, rows, _numbered(texts.take(pa.array(rows)), start, max_length))
    rows = _repeats(texts)
    if not len(rows):
        return texts
    kept = texts.filter(pa.array(~np.isin(np.arange(len(texts)), rows))).drop_null()
    fresh = _filled_up(kept, len(kept) + len(rows), max_length)[len(kept) :]
    return _replaced(texts, rows, fresh)


def limited(texts: pa.Array, max_length: int | None) -> pa.Array:
    """Texts cut to the limit, without a space where they are cut."""
    if max_length is None or not len(texts) or (pc.max(pc.utf8_length(texts)).as_py() or 0) <= max_length:
        return texts
    return pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(texts, 0, max_length))


def enumerated(n: int, max_length: int | None) -> pa.Array:
    """n different texts that mean nothing: numbers in base 36, or 62 where room is scarce.

    PlanError if max_length allows fewer.
    """
    capacity = len(ENUMERATION) ** max_length if max_length is not None else n
    if n > capacity:
        raise PlanError(f"a unique text column of {max_length} characters can hold {capacity} values, {n} are needed")
    base = next(b for b in (_CASELESS, len(ENUMERATION)) if max_length is None or b**max_length >= n)
    length = 1
    while base**length < n:
        length += 1
    numbers = np.arange(n, dtype=np.int64)
    letters = code_points(ENUMERATION)
    points = np.stack([letters[numbers // base**i % base] for i in reversed(range(length))], axis=1)
    return strings_of(points)


def code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def strings_of(points: npt.NDArray[np.uint32]) -> pa.Array:
    """Rows of code points, padded with zeros at the end, as strings."""
    rows, width = points.shape
    if not rows or not width:
        return pa.array([""] * rows, pa.string())
    return pa.array(np.ascontiguousarray(points).view(f"<U{width}").reshape(rows), pa.string())


def _same(texts: pa.Array) -> pa.Array:
    """What two texts share that some database takes for equal: all but case, accents and spaces at the end."""
    folded = pc.utf8_lower(pc.utf8_rtrim_whitespace(texts))
    if pc.all(pc.string_is_ascii(folded)).as_py() is False:
        folded = pc.replace_substring_regex(pc.utf8_normalize(folded, "NFD"), r"\p{Mn}", "")
    return folded


def _repeats(texts: pa.Array) -> npt.NDArray[np.int64]:
    """Rows whose text stands in an earlier row."""
    codes = _same(texts).dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    first = np.zeros(len(codes), dtype=bool)
    first[np.unique(codes, return_index=True)[1]] = True
    return np.flatnonzero(~first & (codes >= 0)).astype(np.int64)


def _first_ones(texts: pa.Array) -> pa.Array:
    keep = np.ones(len(texts), dtype=bool)
    keep[_repeats(texts)] = False
    return texts.filter(pa.array(keep))


def _replaced(texts: pa.Array, rows: npt.NDArray[np.int64], new: pa.Array) -> pa.Array:
    mask = np.zeros(len(texts), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(texts, pa.array(mask), new)


def _numbered(texts: pa.Array, start: int, max_length: int | None) -> pa.Array:
    """Each text with a running number at its end, shortened where the limit demands it."""
    numbers = pc.cast(pa.array(np.arange(start, start + len(texts))), pa.string())
    room = None if max_length is None else max_length - len(str(start + len(texts))) - 1
    if room is not None and room < 0:
        return texts
    stems = texts if room is None else pc.utf8_slice_codeunits(texts, 0, room)
    return pc.binary_join_element_wise(stems, numbers, " ")


def _filled_up(known: pa.Array, n: int, max_length: int | None) -> pa.Array:
    """The known texts (all different) and, up to n, enumerated ones."""
    extra = enumerated(n, max_length)
    for form in (_same, lambda texts: texts):
        fresh = extra.filter(pc.invert(pc.is_in(form(extra), value_set=form(known))))
        if len(known) + len(fresh) >= n:
            break
    return pa.concat_arrays([known, fresh])[:n]
