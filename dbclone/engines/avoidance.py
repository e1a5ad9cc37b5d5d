"""Short texts and keys that a clone must not hold: those of fewer than k entities, kept off by a sieve of hashes.

A long text is never hit by chance, a postal code is.  Hashes are numbers that spread evenly, so that the sieve of
numbers serves (models.sieve): its cells are ranges of hashes, each with the rare texts of at least k entities.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.avoidance import Allows, avoiding, everything
from dbclone.columns.base import CodedColumn
from dbclone.columns.codecs import Filled
from dbclone.columns.identifier import KeyMaker, KeyStyle
from dbclone.models.sieve import Sieve
from dbclone.privacy.protection import Guard

Codes = npt.NDArray[np.int32]

LONGEST = 16
"""Characters up to which a text may equal a real one by chance."""
LONGEST_DOCUMENT = 200
"""The same for documents and arrays, whose parts are drawn from few."""
_TRIED = 2_000
_COUNTED = 0.5
"""Share of new keys that are real ones from which on keys merely count."""


@dataclass(frozen=True)
class Avoided:
    """A column, and which short texts of it may be drawn."""

    column: str
    sieve: Sieve
    longest: int = LONGEST
    """Characters of the longest texts that it is about."""

    def allows(self, values: pa.Array) -> npt.NDArray[np.bool_]:
        """Which values may be drawn, bool[n]: long ones, NULL, and what the sieve lets pass."""
        places = _places(values, self.longest)
        allowed: npt.NDArray[np.bool_] = np.isnan(places) | (self.sieve.passed(places) == places)
        return allowed


def learn_avoided(column: str, values: pa.Array, guard: Guard, longest: int = LONGEST) -> tuple[Avoided, ...]:
    """From the source's values and whose they are; none where nothing is guarded, or nothing rare and short."""
    if not guard.on:
        return ()
    sieve = Sieve.fit(_places(values, longest), guard)
    return (Avoided(column, sieve, longest),) if sieve.on else ()


def counts_on(maker: KeyMaker, values: pa.Array) -> bool:
    """Whether new keys are real ones anyway, since both count from the same beginning: then nobody's tells anything."""
    if maker.style in (KeyStyle.DENSE, KeyStyle.LABELS):
        return True
    made = maker.make(min(len(values), _TRIED), np.random.default_rng(0))
    return len(made) > 0 and float(np.mean(_is_in(made, values.cast(made.type)))) > _COUNTED


def allowances(avoided: Sequence[Avoided]) -> Mapping[str, Allows]:
    """What each column allows."""
    return {a.column: a.allows for a in avoided}


def allowed(avoided: Sequence[Avoided], column: str) -> Allows:
    """What the column allows."""
    return next((a.allows for a in avoided if a.column == column), everything)


def decoded(codec: CodedColumn, codes: Codes, allows: Allows, rng: np.random.Generator, unique: bool) -> pa.Array:
    """Values of the codes, all of them allowed as far as possible; ``unique``: no value twice."""
    unique |= isinstance(codec, Filled)

    def decode(some: Codes) -> pa.Array:
        return codec.decode(some, rng, unique)

    return avoiding(decode(codes), lambda rows: decode(codes[rows]), allows, rng, unique=unique)


def new_keys(maker: KeyMaker, n: int, allows: Allows, rng: np.random.Generator) -> pa.Array:
    """n different keys, all of them allowed as far as possible, rising where the source's rise."""
    made = maker.make(n, rng)
    new = avoiding(made, lambda rows: maker.make(len(rows), rng), allows, rng, unique=True)
    return new.take(pc.sort_indices(new)) if maker.ordered and new is not made else new


def _is_in(values: pa.Array, known: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.is_in(values, value_set=known).to_numpy(zero_copy_only=False), dtype=bool)


def _places(values: pa.Array, longest: int) -> npt.NDArray[np.float64]:
    """A number for each short text or key, float64[n]; NaN for what is NULL or long."""
    encoded = values.dictionary_encode()
    texts = encoded.dictionary.cast(pa.string()).to_pylist()
    places = np.full(len(texts) + 1, np.nan)
    short = [i for i, text in enumerate(texts) if 0 < len(text) <= longest]
    hashes = np.array([zlib.crc32(texts[i].encode("utf-8", "surrogatepass")) for i in short], dtype=np.uint64)
    places[short] = (hashes * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(13)
    found: npt.NDArray[np.float64] = places[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    return found
