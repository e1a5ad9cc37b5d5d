"""Fills columns of personal data with made-up persons, whole rows at a time and a million rows in seconds.

Each row belongs to a persona; names, e-mail address and user name of a row come from the same persona, who has the
gender and lives in the country that the row's other columns say; and rows of the same persona repeat the same values,
as often as the source's values repeat.  Values are drawn from Faker's public lists and from patterns that at least k
entities share, never from the source; what few of its entities hold is drawn again (``allows``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.avoidance import Allows, avoiding, everything
from dbclone.columns.patterns import Grammar, learn
from dbclone.columns.uniqueness import limited, make_unique
from dbclone.privacy import makers, pools
from dbclone.privacy.content import is_prose
from dbclone.privacy.protection import Ints, count_entities
from dbclone.privacy.repeats import Repetition
from dbclone.privacy.traits import UNKNOWN, Traits
from dbclone.schema import Column, TypeFamily

_SAMPLE = 20_000
_ROUNDS = 20
_NAMES = frozenset({"first_name", "last_name", "full_name"})
_PATTERNED = frozenset({"phone", "postal_code", "national_id", "plate", "token", "password"})
_MOST_DOMAINS = 30
_SAFE_DOMAINS = ("example.com", "example.org", "example.net")


@dataclass(frozen=True)
class PiiColumn:
    """What is known of one column of personal data: its kind and form, and how its values repeat; no value of it."""

    name: str
    kind: str
    family: TypeFamily = TypeFamily.TEXT
    max_length: int | None = None
    unique: bool = False
    null_share: float = 0.0
    """For information: ``fill`` gives a value to every row, whoever places NULLs does so afterwards."""
    blank: str = ""
    blank_share: float = 0.0
    """Share of values without any visible character, which are all given as ``blank``."""
    repetition: Repetition = field(default_factory=Repetition)
    locale: str = pools.LOCALES[0]
    case: str = ""
    """'upper' or 'lower' where the source's values are written so."""
    style: str = ""
    """Form within the kind: how e-mail addresses join names, how full names are ordered, which kind of IP address."""
    grammar: Grammar = field(default_factory=lambda: Grammar(()))
    domains: tuple[str, ...] = _SAFE_DOMAINS
    """Of e-mail addresses: those that at least k entities use, but under .example, and else example.com and the like:
    reserved names (RFC 2606), so that a clone can never send mail to anybody."""
    domain_weights: tuple[float, ...] = ()
    sizes: tuple[int, ...] = ()
    """Quantiles of the length of passwords and tokens, or of the number of words of prose."""

    @classmethod
    def learn(
        cls,
        column: Column,
        kind: str,
        values: pa.Array | pa.ChunkedArray,
        k: int = 5,
        entities: Ints | None = None,
        *,
        unique: bool = False,
    ) -> PiiColumn:
        """From the source's column; ``kind`` without 'pii:', ``entities`` (int64[n]) says whose row each is."""
        array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        encoded = array.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        blank = (codes >= 0) & _is_blank(encoded.dictionary)[codes]
        codes[blank] = -1
        rows = np.flatnonzero(codes >= 0)[:_SAMPLE]
        strings = [str(v).strip() for v in array.take(pa.array(rows)).to_pylist()]
        owners = None if entities is None else entities[rows]
        domains = _domains(strings, k, owners) if kind == "email" and strings else {}
        return cls(
            column.name,
            kind,
            column.type.family,
            column.type.length,
            unique,
            null_share=array.null_count / max(len(array), 1),
            blank=str(array[int(np.argmax(blank))].as_py()) if blank.any() else "",
            blank_share=float(blank.sum()) / max(len(array) - array.null_count, 1),
            repetition=Repetition.of(codes, k),
            locale=pools.likely_locale(strings[:2000]) if kind in _NAMES else pools.LOCALES[0],
            case=_case(strings),
            style=_style(kind, strings),
            grammar=learn(strings, k, owners) if kind in _PATTERNED else Grammar(()),
            domains=tuple(domains) or _SAFE_DOMAINS,
            domain_weights=tuple(domains.values()),
            sizes=_sizes(strings),
        )


def fill(
    columns: Sequence[PiiColumn],
    rows: int,
    rng: np.random.Generator,
    allows: Mapping[str, Allows] = MappingProxyType({}),
    traits: Traits | None = None,
) -> dict[str, pa.Array]:
    """Values for all columns of personal data of one table, by column name; string or, for numbers, int64 arrays.

    No NULLs.  A unique column has no value twice (PlanError if its length does not allow that many).  ``allows`` says
    per column which values may be drawn, ``traits`` what the names and places of each row must go with.
    """
    if not columns:
        return {}
    most = max(columns, key=lambda c: (c.unique, c.repetition.distinct))
    share = 1.0 if most.unique else most.repetition.distinct
    personas = max(min(round(share * rows), rows), min(rows, 1))
    persona_of = most.repetition.deal(rows, personas, rng)
    locale = next((c.locale for c in columns if c.kind in _NAMES), columns[0].locale)
    if traits is not None:
        persona_of, traits = _matched(persona_of, traits, rng)
    crowd = _Crowd(columns, (rows, personas), rng, allows, _Whereabouts.of(traits, personas, locale))
    filled: dict[str, pa.Array] = {}
    seen: dict[str, int] = {}
    for column in columns:
        ordinal = seen[column.kind] = seen.get(column.kind, -1) + 1
        made = crowd.values(column, ordinal)
        made = made.take(pa.array(persona_of))  # where any column is unique, each row is a person of its own
        made = made if column.unique else _blanked(column, made, rng)
        filled[column.name] = _finished(column, made)
    return filled


def _matched(
    persona_of: npt.NDArray[np.int64], traits: Traits, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Traits]:
    """Personas dealt anew, as often each, so that the rows of one have the same traits; and the personas' traits.

    Where traits meet, a persona may have rows of both: it has those of its first.
    """
    shuffled = rng.permutation(len(persona_of))
    order = shuffled[np.argsort(traits.groups[shuffled], kind="stable")]
    dealt = np.empty(len(persona_of), dtype=np.int64)
    dealt[order] = np.sort(persona_of)
    first = np.unique(dealt[order], return_index=True)[1]
    return dealt, traits.take(order[first])


@dataclass(frozen=True)
class _Whereabouts:
    """The personas' traits: who belongs to which combination of locale and gender."""

    locale: str
    """That of most, or of all."""
    groups: tuple[tuple[str, int, npt.NDArray[np.int64]], ...]
    """Locale, gender, and the personas of it."""

    @classmethod
    def of(cls, traits: Traits | None, personas: int, locale: str) -> _Whereabouts:
        if traits is None or not len(traits.groups):
            return cls(locale, ((locale, UNKNOWN, np.arange(personas)),))
        places = [np.flatnonzero(traits.groups == group) for group in np.unique(traits.groups)]
        named = [pools.LOCALES[at] if (at := int(traits.locales[p[0]])) >= 0 else locale for p in places]
        return cls(locale, tuple((n, int(traits.genders[p[0]]), p) for n, p in zip(named, places, strict=True)))

    @property
    def by_locale(self) -> tuple[tuple[str, npt.NDArray[np.int64]], ...]:
        locales = dict.fromkeys(locale for locale, _, _ in self.groups)
        return tuple((one, np.concatenate([at for n, _, at in self.groups if n == one])) for one in locales)


class _Crowd:
    """The personas of one table and what each of them is called."""

    def __init__(
        self,
        columns: Sequence[PiiColumn],
        sizes: tuple[int, int],
        rng: np.random.Generator,
        allows: Mapping[str, Allows],
        where: _Whereabouts,
    ) -> None:
        self.locale, self.rng, self._allows, self._where = where.locale, rng, allows, where
        self.rows, self.size = sizes
        by_kind = {c.kind: c for c in reversed(columns)}
        firsts = [(pools.first_names(name, gender), at) for name, gender, at in where.groups]
        self.first = self._names(by_kind.get("first_name"), firsts)
        self.last = self._names(by_kind.get("last_name"), [(pools.last_names(n), at) for n, at in where.by_locale])
        for column in (c for c in columns if c.kind in _COMBINED):
            self._rename(column)

    def values(self, column: PiiColumn, ordinal: int) -> pa.Array:
        """One value per persona; for a unique column all different."""
        make = self._maker(column, ordinal)
        allows = self._allows.get(column.name, everything)

        def redraw(rows: npt.NDArray[np.int64]) -> pa.Array:
            return _cased(make(len(rows)), column.case)

        if column.unique:
            made = limited(_cased(make(self.size), column.case), column.max_length)
            made = make_unique(made, redraw, column.max_length)
            return avoiding(made, lambda r: limited(redraw(r), column.max_length), allows, self.rng, unique=True)
        distinct = max(round(column.repetition.distinct * self.rows), min(self.size, 1))
        if column.kind in _LINKED and not ordinal:
            return _cased(make(self.size), column.case)
        if column.kind in _LOCAL and len(self._where.by_locale) > 1:
            return self._local(column, distinct / self.size, allows)
        if distinct >= 0.97 * self.size:
            return avoiding(redraw(np.arange(self.size)), redraw, allows, self.rng)
        made = avoiding(redraw(np.arange(distinct)), redraw, allows, self.rng)
        return made.take(pa.array(column.repetition.deal(self.size, distinct, self.rng)))

    def _rename(self, column: PiiColumn) -> None:
        """Give those another family name whose names together are not allowed in the column."""
        allows = self._allows.get(column.name, everything)
        for _ in range(_ROUNDS):
            strange = np.flatnonzero(~allows(_cased(self._linked(column, self.size, 0), column.case)))
            if not len(strange):
                return
            mask = np.zeros(self.size, dtype=bool)
            mask[strange] = True
            self.last = pc.replace_with_mask(self.last, pa.array(mask), self._any(self.last.to_pylist(), len(strange)))

    def _local(self, column: PiiColumn, share: float, allows: Allows) -> pa.Array:
        """Values of each persona's own country; ``share`` of them are different."""
        parts, order = [], []
        for locale, at in self._where.by_locale:
            form = replace(self._form(column), locale=locale)
            distinct = max(round(share * len(at)), 1)

            def redraw(rows: npt.NDArray[np.int64], form: makers.Form = form) -> pa.Array:
                return _cased(makers.make(column.kind, len(rows), self.rng, form), column.case)

            made = avoiding(redraw(np.arange(distinct)), redraw, allows, self.rng)
            parts.append(made.take(pa.array(column.repetition.deal(len(at), min(distinct, len(at)), self.rng))))
            order.append(at)
        return pa.concat_arrays(parts).take(pa.array(np.argsort(np.concatenate(order))))

    def _names(
        self, column: PiiColumn | None, pools_of: Sequence[tuple[Sequence[str], npt.NDArray[np.int64]]]
    ) -> pa.Array:
        """A name for each persona, out of the list for its kind."""
        parts = [self._listed(column, pool, len(at)) for pool, at in pools_of]
        order = np.concatenate([at for _, at in pools_of])
        return pa.concat_arrays(parts).take(pa.array(np.argsort(order)))

    def _listed(self, column: PiiColumn | None, pool: Sequence[str], size: int) -> pa.Array:
        """``size`` names, from as many different ones as the source's column would have."""
        if column is not None and column.name in self._allows:
            allowed = self._allows[column.name](_cased(pa.array(pool, pa.string()), column.case))
            pool = [name for name, may in zip(pool, allowed, strict=True) if may] or pool
        distinct = len(pool)
        if column is not None and not column.unique:
            wanted = column.repetition.distinct * self.rows * size / max(self.size, 1)
            distinct = min(max(round(wanted), 1), len(pool))
        chosen = self.rng.permutation(len(pool))[:distinct]
        repetition = column.repetition if column is not None else Repetition()
        dealt = repetition.deal(size, distinct, self.rng) if distinct < size else self.rng.permutation(distinct)
        return pa.array(pool, pa.string()).take(pa.array(chosen[dealt[:size]]))

    def _maker(self, column: PiiColumn, ordinal: int) -> Callable[[int], pa.Array]:
        """A function that makes n values of the column; linked ones follow the personas when n is their number."""
        if column.kind in _LINKED:
            return lambda n: self._linked(column, n, ordinal)
        return lambda n: makers.make(column.kind, n, self.rng, self._form(column))

    def _form(self, column: PiiColumn) -> makers.Form:
        return makers.Form(self.locale, column.style, column.grammar, column.sizes, column.max_length)

    def _linked(self, column: PiiColumn, n: int, ordinal: int) -> pa.Array:
        first, last = self.first, self.last
        if n != self.size or ordinal:
            first = self._any(pools.first_names(self.locale), n)
            last = self._any(pools.last_names(self.locale), n)
        match column.kind:
            case "first_name":
                return first
            case "last_name":
                return last
            case "full_name":
                parts = (last, first, ", ") if column.style == "last, first" else (first, last, " ")
                return pc.binary_join_element_wise(*parts)
            case "username":
                return makers.handles(first, last, "", column.max_length)
            case "url_user":
                return pc.binary_join_element_wise("https://example.com/", makers.handles(first, last, "", None), "")
            case _:
                domains = self._any(column.domains, n, column.domain_weights)
                return makers.emails(first, last, domains, column.style, column.max_length)

    def _any(self, pool: Sequence[str], n: int, weights: Sequence[float] = ()) -> pa.Array:
        shares = np.array(weights) / sum(weights) if weights else None
        return pa.array(pool, pa.string()).take(pa.array(self.rng.choice(len(pool), size=n, p=shares)))


_LOCAL = frozenset({"city", "street", "company"})
_COMBINED = frozenset({"full_name", "username"})
_LINKED = frozenset({"first_name", "last_name", "full_name", "username", "email", "url_user"})


def _finished(column: PiiColumn, made: pa.Array) -> pa.Array:
    """Cut to length, in the column's canonical Arrow type."""
    if column.family in (TypeFamily.INTEGER, TypeFamily.DECIMAL):
        digits = pc.utf8_slice_codeunits(pc.replace_substring_regex(made, r"\D", ""), 0, 18)
        return pc.cast(pc.if_else(pc.equal(digits, ""), "0", digits), pa.int64())
    return limited(made, column.max_length)


def _blanked(column: PiiColumn, made: pa.Array, rng: np.random.Generator) -> pa.Array:
    if not column.blank_share:
        return made
    return pc.if_else(pa.array(rng.random(len(made)) < column.blank_share), column.blank, made)


def _is_blank(values: pa.Array) -> npt.NDArray[np.bool_]:
    """Whether each value has no visible character; one more False at the end, for NULL."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return np.zeros(len(values) + 1, dtype=bool)
    blank = pc.equal(pc.utf8_trim_whitespace(values), "").to_numpy(zero_copy_only=False)
    return np.append(blank.astype(bool), False)


def _cased(texts: pa.Array, case: str) -> pa.Array:
    match case:
        case "upper":
            return pc.utf8_upper(texts)
        case "lower":
            return pc.utf8_lower(texts)
        case _:
            return texts


def _case(strings: Sequence[str]) -> str:
    lettered = [s for s in strings if any(map(str.isalpha, s))]
    if not lettered:
        return ""
    if sum(s == s.upper() for s in lettered) > 0.8 * len(lettered):
        return "upper"
    return "lower" if sum(s == s.lower() for s in lettered) > 0.8 * len(lettered) else ""


def _style(kind: str, strings: Sequence[str]) -> str:
    def share(sign: str) -> float:
        return sum(sign in s for s in strings) / max(len(strings), 1)

    match kind:
        case "full_name":
            return "last, first" if share(", ") > 0.5 else ""
        case "email":
            local = [s.partition("@")[0] for s in strings]
            dots, bars = sum("." in s for s in local), sum("_" in s for s in local)
            return "." if dots >= max(bars, 0.3 * len(local)) else "_" if bars >= 0.3 * len(local) else ""
        case "ip":
            return "v6" if share(":") > 0.5 else ""
        case "card" | "iban":
            return " " if share(" ") > 0.5 else "-" if share("-") > 0.5 else ""
        case "mac":
            return "-" if share("-") > 0.5 else ":"
        case _:
            return ""


def _domains(strings: Sequence[str], k: int, owners: Ints | None) -> dict[str, float]:
    """Domains that at least k entities use, made undeliverable, with the number of their addresses."""
    rows: dict[str, list[int]] = {}
    for i, text in enumerate(strings):
        if "@" in text:
            rows.setdefault(text.rpartition("@")[2].lower(), []).append(i)
    kept = [d for d, at in rows.items() if "." in d and count_entities(np.array(at), owners) >= max(k, 2)]
    kept = sorted(kept, key=lambda d: -len(rows[d]))[:_MOST_DOMAINS]
    found: dict[str, float] = {}
    for domain in kept:
        safe = domain.rpartition(".")[0] + ".example"
        found[safe] = found.get(safe, 0.0) + len(rows[domain])
    rest = len(strings) - sum(found.values())
    return found | {domain: rest / len(_SAFE_DOMAINS) for domain in _SAFE_DOMAINS if rest > 0 or not found}


def _sizes(strings: Sequence[str]) -> tuple[int, ...]:
    if not strings:
        return ()
    prose = sum(map(is_prose, strings)) > 0.5 * len(strings)
    sizes = [len(s.split()) if prose else len(s) for s in strings]
    return tuple(int(q) for q in np.quantile(sizes, np.linspace(0, 1, 9)))
