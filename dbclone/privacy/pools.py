"""Components of made-up persons, drawn from Faker once and combined by the thousand afterwards.

Faker makes some ten thousand values a second; a few thousand first names, family names, streets … give as many
combinations as any table needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faker import Faker

LOCALES = ("en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "pt_BR", "nl_NL", "pl_PL", "sv_SE", "ru_RU", "ja_JP", "zh_CN")
_SIZE = 2_000
_FEWEST = 50
"""Names that a list must hold to be drawn from."""
_NUMBER = re.compile(r"\d+")


def first_names(locale: str, gender: int = 0) -> tuple[str, ...]:
    """All first names, or those of women (1) or of men (2) where the locale keeps lists of them."""
    listed = _listed(locale, ("first_names", "first_names_female", "first_names_male")[gender])
    return listed or (first_names(locale) if gender else _drawn(locale, "first_name"))


def last_names(locale: str) -> tuple[str, ...]:
    return _listed(locale, "last_names") or _drawn(locale, "last_name")


def cities(locale: str) -> tuple[str, ...]:
    return _drawn(locale, "city")


def company_suffixes(locale: str) -> tuple[str, ...]:
    return _drawn(locale, "company_suffix", 100)


def streets(locale: str) -> tuple[tuple[str, str], ...]:
    """What stands before and after the house number."""
    pairs = set()
    for address in _drawn(locale, "street_address"):
        line = address.splitlines()[0]
        if match := _NUMBER.search(line):
            pairs.add((line[: match.start()], line[match.end() :]))
    return tuple(sorted(pairs)) or (("", " Main Street"),)


def words() -> tuple[str, ...]:
    from faker.providers.lorem.en_US import Provider

    return tuple(sorted(set(Provider.word_list)))


def likely_locale(names: Sequence[str]) -> str:
    """The locale whose lists of names hold most of the given words; en_US where none holds many."""
    words = {word.casefold() for name in names for word in name.replace("-", " ").split()}
    if not words:
        return LOCALES[0]
    found = {locale: len(words & _known(locale)) for locale in LOCALES}
    best = max(found, key=lambda locale: found[locale])
    return best if found[best] > 1.15 * found[LOCALES[0]] and found[best] >= 0.1 * len(words) else LOCALES[0]


@lru_cache(maxsize=32)
def _known(locale: str) -> frozenset[str]:
    return frozenset(name.casefold() for name in (*first_names(locale), *last_names(locale)))


@lru_cache(maxsize=16)
def _faker(locale: str) -> Faker:
    from faker import Faker

    return Faker(locale)


@lru_cache(maxsize=64)
def _listed(locale: str, attribute: str) -> tuple[str, ...]:
    """A whole list of a locale's person provider, where it keeps one."""
    provider = next((p for p in _faker(locale).providers if ".person" in type(p).__module__), None)
    listed = getattr(provider, attribute, None) or ()
    names = sorted({name for name in listed if isinstance(name, str)})
    return tuple(names) if len(names) >= _FEWEST else ()


@lru_cache(maxsize=64)
def _drawn(locale: str, method: str, size: int = _SIZE) -> tuple[str, ...]:
    """Different values of one Faker method, the same ones every time."""
    faker = _faker(locale)
    faker.seed_instance(20_240_229)
    draw: Callable[[], str] = getattr(faker, method, None) or getattr(_faker(LOCALES[0]), method)
    return tuple(sorted({draw() for _ in range(size)}))
