"""The labelled columns of ``pii_columns.txt``, with made-up values in the language of each schema."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
from faker import Faker

from dbclone.schema import Column, SqlType, TableName, TypeFamily

_FILE = Path(__file__).with_name("pii_columns.txt")
_ROWS = 60
_LOCALES = {
    "en": "en_US", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "it": "it_IT", "pt": "pt_BR", "nl": "nl_NL",
    "pl": "pl_PL", "sv": "sv_SE", "ro": "ro_RO",
}  # fmt: skip
LEFT_OUT = 3
"""Every third schema is left out: rules are written by looking at the others."""


@dataclass(frozen=True)
class Labelled:
    """A column of a real schema, what it holds ('' is no personal data), and made-up values."""

    origin: str
    language: str
    table: TableName
    column: Column
    siblings: tuple[str, ...]
    label: str
    values: pa.Array

    @property
    def left_out(self) -> bool:
        return zlib.crc32(self.origin.encode()) % LEFT_OUT == 0


def corpus() -> Iterator[Labelled]:
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            origin, language, table, *columns = line.split()
            names = tuple(c.split(":")[0] for c in columns)
            for name, label in zip(names, (c.split(":")[1] for c in columns), strict=True):
                sort = label.removeprefix("-")
                family = _FAMILIES.get(sort, TypeFamily.TEXT)
                values = _values(sort, _LOCALES[language], f"{origin}.{table}.{name}")
                column, kind = Column(name, SqlType(family, str(family))), "" if label.startswith("-") else label
                yield Labelled(origin, language, TableName("", table), column, names, kind, values)


def _values(sort: str, locale: str, seed: str) -> pa.Array:
    faker = _faker(locale)
    faker.seed_instance(zlib.crc32(seed.encode()))
    make = _MAKERS[sort]
    return pa.array([make(faker) for _ in range(_ROWS)])


@lru_cache
def _faker(locale: str) -> Faker:
    return Faker(locale)


_NAMES = {
    tuple(head.split()): names.strip().split(", ")
    for head, _, names in (
        line.partition(":") for line in _FILE.with_name("names.txt").read_text("utf-8").splitlines() if line[0] != "#"
    )
}


def _name(f: Faker, which: str) -> str:
    return str(f.random_element(_NAMES[f.locales[0], which]))


def _words(f: Faker) -> str:
    return " ".join(f.words(f.random_int(1, 4))).capitalize()


_WORDS = ("Standard", "Express", "Bulk", "Open", "Closed", "Gold", "Silver")
_FAMILIES = {
    "int": TypeFamily.INTEGER, "decimal": TypeFamily.FLOAT, "date": TypeFamily.DATE, "stamp": TypeFamily.TIMESTAMP,
    "birth_date": TypeFamily.DATE, "latitude": TypeFamily.FLOAT, "longitude": TypeFamily.FLOAT,
    "flag": TypeFamily.BOOLEAN, "uuid": TypeFamily.UUID,
}  # fmt: skip
_MAKERS: dict[str, Callable[[Faker], object]] = {
    "first_name": lambda f: _name(f, "first"),
    "last_name": lambda f: _name(f, "last"),
    "full_name": lambda f: " ".join((_name(f, "first"), _name(f, "last"))),
    "username": lambda f: f.user_name(),
    "email": lambda f: f.email(),
    "phone": lambda f: f.phone_number(),
    "street": lambda f: f.street_address().replace("\n", ", "),
    "city": lambda f: f.city(),
    "postal_code": lambda f: f.postcode(),
    "company": lambda f: f.company(),
    "birth_date": lambda f: f.date_of_birth(),
    "latitude": lambda f: float(f.latitude()),
    "longitude": lambda f: float(f.longitude()),
    "ip": lambda f: f.ipv4_public(),
    "mac": lambda f: f.mac_address(),
    "iban": lambda f: f.iban(),
    "card": lambda f: f.credit_card_number(),
    "national_id": lambda f: f.bothify("??######", "ABCDEFGH"),
    "plate": lambda f: f.license_plate(),
    "password": lambda f: f.sha256(),
    "token": lambda f: f.hexify("^" * 40),
    "category": lambda f: f.random_element(_WORDS),
    "country": lambda f: f.random_element(("Peru", "Chile", "Spain", "Norway", "Japan")),
    "place": lambda f: f.city(),
    "thing": lambda f: _words(f),
    "words": lambda f: _words(f),
    "slug": lambda f: _words(f).lower().replace(" ", "-"),
    "code": lambda f: f.bothify("??-####"),
    "digits": lambda f: f.numerify("############"),
    "hash": lambda f: f.md5(),
    "prose": lambda f: f.sentence(12),
    "url": lambda f: f"https://www.{f.word()}.com/{f.word()}",
    "uuid": lambda f: f.uuid4(),
    "int": lambda f: f.random_int(0, 5000),
    "decimal": lambda f: round(f.random.random() * 100, 2),
    "flag": lambda f: f.boolean(),
    "date": lambda f: f.date_this_decade(),
    "stamp": lambda f: f.date_time_this_decade(),
}
