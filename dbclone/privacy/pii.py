"""Which columns hold personal data: judged by column name (some twenty languages), table name, type and content.

A name alone is not enough where it is ambiguous: ``name`` is a person's only in a table of persons, ``city`` only where
it hardly repeats.  Content speaks for itself where it has a checksum or a strict form (e-mail, IBAN, card number), or
where half of the values are names that public lists hold.
The reasons given never contain data.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import pyarrow as pa

from dbclone.privacy import content, names
from dbclone.privacy.pii_names import KEYED, MATCHERS, NOT_A_VALUE, NUMBERED, PERSON, PLACES, STRONG, TEXTUAL, NameRule
from dbclone.schema import Column, TableName, TypeFamily

_SAMPLE = 2_000
_GLANCE = 40
"""Values that are looked at before all are."""
_FEW_SIBLINGS = 5
_SHORTEST_AFFIX = 2
_REMEMBERED = 4_096
"""Names of columns, which come again and again in a large schema."""
_MOSTLY, _OFTEN = 0.8, 0.6
"""Share of a table's columns that begin, or end, with a word from which on it says nothing of a single one."""
_NAMES = frozenset({"first_name", "last_name"})
_CERTAIN = 0.7
_NAMED = 0.5
"""Share of values that public lists of names hold from which on a column holds names."""
_VARIED = 0.2
_FEWEST_NAMES = 8
_UNDECOMPOSED = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "ı": "i", "æ": "ae"})
_TYPED = {"ip": ("inet", "inet4", "inet6", "cidr"), "mac": ("macaddr",)}
"""Kinds for which products have types of their own, and these; an 8-byte macaddr8 looks like an IP address."""

MODELLED = frozenset({"birth_date", "latitude", "longitude"})
"""Personal, but kept as statistics (interpolated, extremes cut) instead of being made up by Faker."""


@dataclass(frozen=True)
class PiiEvidence:
    kind: str
    """email, phone, first_name … ; 'pii:' + kind is the column's kind unless it is one of MODELLED."""
    evidence: str
    """Why, without data values."""
    confidence: float
    """Between 0 and 1; from content and name together > 0.9."""


_CONTENT: tuple[tuple[str, str, Callable[[str], bool], float], ...] = (
    ("email", "e-mail", content.is_email, 0.7),
    ("iban", "IBAN", content.is_iban, 0.7),
    ("card", "card number with a valid checksum", content.is_card, 0.9),
    ("ip", "IP address", content.is_ip, 0.9),
    ("mac", "MAC address", content.is_mac, 0.9),
    ("national_id", "US social security number", content.is_ssn, 0.9),
    ("url_user", "URL with a user", content.is_url_with_user, 0.5),
    ("phone", "international phone number", content.is_international_phone, 0.7),
    ("phone", "phone number", content.is_written_phone, 0.9),
)


def detect_pii(
    table: TableName | None,
    column: Column,
    values: pa.Array | pa.ChunkedArray,
    siblings: Sequence[str] = (),
) -> PiiEvidence | None:
    """What personal data the column holds, or None.  Looks at no more than some thousand values.

    ``siblings`` are the names of all columns of the table: what they all begin or end with says nothing, and beside a
    family name or a date of birth a name is a person's.
    """
    context = _Context.of(table, column, siblings)
    sample = _Sample(values)
    found = _by_name(context, column, sample) or _by_content(column, sample)
    if found and column.type.family is TypeFamily.OPAQUE and column.type.sql.lower() not in _TYPED.get(found.kind, ()):
        return None  # a composite or other type that a made-up text does not fit
    return found


class _Sample:
    """Values of a column as text, taken only where somebody looks: most columns are settled by name and type."""

    def __init__(self, values: pa.Array | pa.ChunkedArray) -> None:
        self._values = values

    @cached_property
    def texts(self) -> list[str]:
        """Up to some thousand non-empty values, evenly spread."""
        step = max(len(self._values) // _SAMPLE, 1)
        places = pa.array(range(0, len(self._values), step), pa.int64()) if step > 1 else None
        picked = self._values if places is None else self._values.take(places)
        return [text for v in picked.to_pylist() if v is not None and (text := str(v).strip())]

    @cached_property
    def distinct(self) -> int:
        """How many of them differ."""
        return len(set(self.texts))


@lru_cache(maxsize=_REMEMBERED)
def normalised(name: str) -> str:
    """A name in lower case without accents, its words joined by '_': ``BillingAddress2`` → ``billing_address_2``."""
    spelt = name.translate(_UNDECOMPOSED)
    plain = unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


@dataclass(frozen=True)
class _Context:
    """A column's name, with and without what all columns of its table begin or end with, and what stands around it."""

    names: tuple[str, ...]
    """As it is written, then bare."""
    table: str
    others: frozenset[str]
    """Kinds that the names of the other columns promise beyond doubt."""

    @classmethod
    def of(cls, table: TableName | None, column: Column, siblings: Sequence[str]) -> _Context:
        own, (head, tail) = normalised(column.name), _affixes(tuple(siblings))
        bare = _without(own, head, tail)
        others = {_without(normalised(name), head, tail) for name in siblings} - {bare}
        kinds = frozenset().union(*map(_promised, others))
        return cls((own, bare), normalised(table.name) if table else "", kinds)

    @property
    def of_persons(self) -> bool:
        return bool(self.others) or PERSON.search(self.table) is not None


@lru_cache(maxsize=_REMEMBERED)
def _promised(name: str) -> frozenset[str]:
    """The kinds that a name promises beyond doubt."""
    return frozenset(rule.kind for rule, matcher in MATCHERS if rule.kind in STRONG and matcher.search(name))


@lru_cache(maxsize=_REMEMBERED)
def _rules(name: str, family: TypeFamily) -> tuple[NameRule, ...]:
    """The rules that a column's name and type meet."""
    if NOT_A_VALUE.search(name) and not KEYED.search(name):
        return ()
    return tuple(rule for rule, matcher in MATCHERS if family in rule.families and matcher.search(name))


def _without(name: str, head: str, tail: str) -> str:
    bare = name.removeprefix(head).removesuffix(tail)
    return bare or name


@lru_cache(maxsize=256)
def _affixes(siblings: tuple[str, ...]) -> tuple[str, str]:
    """What (nearly) all names of a table begin and end with: two letters or more, or a word."""
    names = [normalised(name) for name in siblings]
    if len(names) < _FEW_SIBLINGS:
        return "", ""
    head = names[0][: next((i for i, letters in enumerate(zip(*names, strict=False)) if len(set(letters)) > 1), 0)]
    heads, tails = (Counter(n.split("_")[at] for n in names if "_" in n).most_common(1) for at in (0, -1))
    if heads and heads[0][1] >= _MOSTLY * len(names):
        head = f"{heads[0][0]}_"
    tail = f"_{tails[0][0]}" if tails and tails[0][1] >= _OFTEN * len(names) else ""
    return (head if len(head) >= _SHORTEST_AFFIX else ""), tail


def _by_name(context: _Context, column: Column, sample: _Sample) -> PiiEvidence | None:
    fractions = bool(column.type.scale)  # amounts: the tax, not the tax number
    for name in dict.fromkeys(context.names):
        for rule in _rules(name, column.type.family):
            if not (fractions and rule.families == NUMBERED) and _plausible(rule, context, sample):
                return _evidence(_sharpened(rule, context), rule, sample)
    return None


def _plausible(rule: NameRule, context: _Context, sample: _Sample) -> bool:
    """Whether table and values agree with what the column's name promises."""
    if rule.only_persons and not context.of_persons:
        return False
    if rule.kind in ("city", "postal_code") and PLACES.search(context.table) and not PERSON.search(context.table):
        return False
    if not sample.texts:
        return rule.kind != "email" or rule.share < _CERTAIN
    if sample.distinct < rule.distinct * len(sample.texts) and _sharpened(rule, context) == rule.kind:
        return False
    return rule.content is None or _share(rule.content, sample.texts) >= rule.share


def _sharpened(rule: NameRule, context: _Context) -> str:
    """The kind; a plain name beside first names is a family name, beside family names a first name."""
    if rule.kind == "full_name" and rule.only_persons and len(context.others & _NAMES) == 1:
        return "last_name" if "first_name" in context.others else "first_name"
    return rule.kind


def _evidence(kind: str, rule: NameRule, sample: _Sample) -> PiiEvidence:
    label = kind.replace("_", " ")
    if not sample.texts:
        return PiiEvidence(kind, f"name matches {label}; no values to look at", 0.6)
    if rule.content is None:
        return PiiEvidence(kind, f"name matches {label}", 0.8)
    share = _share(rule.content, sample.texts)
    return PiiEvidence(kind, f"name matches {label}; {share:.0%} of values look like one", 0.7 + 0.29 * share)


def _by_content(column: Column, sample: _Sample) -> PiiEvidence | None:
    if column.type.family not in TEXTUAL or len(sample.texts) < 3:
        return None
    for kind, label, matches, least in _CONTENT:
        if (share := _share(matches, sample.texts, least)) >= least:
            return PiiEvidence(kind, f"{share:.0%} of values match the {label} pattern", 0.5 + 0.45 * share)
    is_prose = _share(content.is_prose, sample.texts) > 0.3
    if is_prose and (found := _share(content.mentions_person, sample.texts)) >= 0.02:
        return PiiEvidence("free_text", f"prose of which {found:.0%} mentions e-mail addresses or phone numbers", 0.7)
    return _names_by_content(sample)


def _names_by_content(sample: _Sample) -> PiiEvidence | None:
    """Columns of which half the values stand in public lists of names, under whatever heading."""
    varied = sample.distinct >= max(_FEWEST_NAMES, _VARIED * len(sample.texts))
    if not varied or _share(content.is_name, sample.texts, _CERTAIN) < _CERTAIN:
        return None
    known = (("full_name", names.is_full_name), ("first_name", names.is_first_name), ("last_name", names.is_last_name))
    for kind, matches in known:
        if (share := _share(matches, sample.texts, _NAMED)) >= _NAMED:
            label = kind.replace("_", " ")
            return PiiEvidence(kind, f"{share:.0%} of values hold a known {label}", 0.5 + 0.4 * share)
    return None


def _share(matches: Callable[[str], bool], sample: Sequence[str], least: float = 0.0) -> float:
    """Share of the values that match; 0 as soon as it cannot come to ``least``, or a glance finds it nowhere near."""
    if least:
        glance = sample[:: max(len(sample) // _GLANCE, 1)]
        if sum(map(matches, glance)) < least / 4 * len(glance):
            return 0.0
    matched, total = 0, len(sample)
    for start in range(0, total, _GLANCE):
        if (matched + total - start) / total < least:
            return 0.0
        matched += sum(map(matches, sample[start : start + _GLANCE]))
    return matched / total
