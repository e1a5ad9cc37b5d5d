"""Names of persons as public lists hold them: those of Faker's larger languages, read without a Faker.

Half of a column's values among them is evidence, a single one is none: many names are words as well.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import lru_cache

_SPLIT = re.compile(r"[\s,.\-'’/]+")
_LOCALES = (
    "cs_CZ da_DK de_DE en_GB en_IN en_US es_ES es_MX fi_FI fr_FR hr_HR hu_HU id_ID it_IT ja_JP ko_KR nl_NL no_NO "
    "pl_PL pt_BR ro_RO ru_RU sv_SE tr_TR uk_UA vi_VN zh_CN"
)
_SHORTEST = 2
_LONGEST = 5
"""Words of a full name."""
_FIRST, _LAST = ("first_names", "first_names_male", "first_names_female"), ("last_names", "last_names_male")


def is_full_name(text: str) -> bool:
    """Two to five words, the first of which (after a comma, the last) is a known first name."""
    words = _words(text)
    return len(words) >= 2 and _is_lettered(text) and words[-1 if "," in text else 0] in _first()


def is_first_name(text: str) -> bool:
    """One or two words, the first of which is a known first name."""
    words = _words(text)
    return 1 <= len(words) <= 2 and _is_lettered(text) and words[0] in _first()


def is_last_name(text: str) -> bool:
    """Up to three words, the last of which is a known family name."""
    words = _words(text)
    return 1 <= len(words) <= 3 and _is_lettered(text) and words[-1] in _last()


def _words(text: str) -> list[str]:
    words = [w for w in _SPLIT.split(text.casefold()) if len(w) >= _SHORTEST]
    return words if len(words) <= _LONGEST else []


def _is_lettered(text: str) -> bool:
    return not any(map(str.isdigit, text)) and (text[:1].isupper() or not text[:1].isascii())


@lru_cache(maxsize=1)
def _first() -> frozenset[str]:
    return frozenset(_listed(_FIRST))


@lru_cache(maxsize=1)
def _last() -> frozenset[str]:
    return frozenset(_listed(_LAST))


def _listed(attributes: tuple[str, ...]) -> Iterator[str]:
    for locale in _LOCALES.split():
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        for attribute in attributes:
            listed = getattr(provider, attribute, ())
            if isinstance(listed, Mapping | Sequence | Set):
                yield from (name.casefold() for name in listed if isinstance(name, str) and len(name) >= _SHORTEST)
