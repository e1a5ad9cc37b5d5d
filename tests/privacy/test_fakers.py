"""Made-up persons are consistent within a row, unique where they must be, undeliverable, and repeat as real ones do."""

import time
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbclone.errors import PlanError
from dbclone.privacy import pools
from dbclone.privacy.content import is_card, is_iban, is_ip, is_mac
from dbclone.privacy.fakers import PiiColumn, fill
from dbclone.privacy.traits import Traits
from dbclone.schema import Column, SqlType, TypeFamily

KINDS = (
    "first_name", "last_name", "full_name", "email", "username", "phone", "street", "city", "postal_code", "company",
    "iban", "card", "national_id", "ip", "mac", "url_user", "plate", "password", "token", "free_text",
)  # fmt: skip


def text(name: str, length: int | None = None) -> Column:
    return Column(name, SqlType(TypeFamily.TEXT, "text", length=length))


def filled(columns: list[PiiColumn], rows: int, seed: int = 0) -> dict[str, list[str]]:
    made = fill(columns, rows, np.random.default_rng(seed))
    assert all(len(array) == rows and not array.null_count for array in made.values())
    return {name: array.to_pylist() for name, array in made.items()}


def test_names_and_addresses_of_a_row_are_one_persons() -> None:
    columns = [PiiColumn(kind, kind) for kind in ("first_name", "last_name", "full_name", "email", "username")]
    rows = filled(columns, 50)
    for first, last, full, email, user in zip(*rows.values(), strict=True):
        assert full == f"{first} {last}"
        assert email.startswith(f"{first}{last}".lower().replace("'", ""))
        assert user.startswith(f"{first}{last}".lower().replace("'", ""))


def test_a_person_is_one_also_where_the_row_says_more_of_them_and_addresses_are_unique() -> None:
    columns = [PiiColumn("name", "full_name"), PiiColumn("email", "email", unique=True, style=".")]
    traits = Traits.of({"gender": pa.array(["f", "m"] * 100)}, 200)
    made = fill(columns, 200, np.random.default_rng(0), traits=traits)
    for name, email in zip(made["name"].to_pylist(), made["email"].to_pylist(), strict=True):
        first, last = (unicodedata.normalize("NFKD", part).lower() for part in name.split(" ", 1))
        letters = ["".join(c for c in part if "a" <= c <= "z") for part in (first, last)]
        assert email.startswith(".".join(letters)), (name, email)


def test_mail_can_reach_nobody() -> None:
    source = pa.array([f"someone{i}@gmail.com" for i in range(20)] + ["me@tiny-secret-club.org"])
    learned = PiiColumn.learn(text("email"), "email", source, k=5)
    domains = {address.partition("@")[2] for address in filled([learned], 500)["email"]}
    assert "gmail.example" in domains
    assert all(d.endswith(".example") or d.startswith("example.") for d in domains)
    assert not any("secret" in d for d in domains)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_unique_values_within_its_length(kind: str) -> None:
    column = PiiColumn("x", kind, max_length=20, unique=True)
    values = filled([column], 20_000)["x"]
    assert len(set(values)) == 20_000
    assert max(map(len, values)) <= 20


def test_what_cannot_be_unique_is_refused() -> None:
    with pytest.raises(PlanError, match="62 values, 100 are needed"):
        filled([PiiColumn("x", "first_name", max_length=1, unique=True)], 100)


def test_numbers_are_valid() -> None:
    made = filled([PiiColumn(kind, kind) for kind in ("iban", "card", "ip", "mac")], 200)
    assert all(map(is_iban, made["iban"]))
    assert all(map(is_card, made["card"]))
    assert all(map(is_ip, made["ip"]))
    assert all(map(is_mac, made["mac"]))


def test_phone_numbers_keep_their_format() -> None:
    rng = np.random.default_rng(1)
    source = pa.array([f"+49 30 {rng.integers(10**6, 10**7)}" for _ in range(100)])
    learned = PiiColumn.learn(text("phone"), "phone", source, k=5)
    made = filled([learned], 300)["phone"]
    assert all(number.startswith("+49 30 ") and len(number) == 14 for number in made)
    assert not set(made) & set(source.to_pylist())


def test_numbers_in_integer_columns_stay_integers() -> None:
    column = Column("phone", SqlType(TypeFamily.INTEGER, "bigint"))
    source = pa.array(np.random.default_rng(1).integers(10**9, 10**10, 200))
    learned = PiiColumn.learn(column, "phone", source, k=5)
    made = fill([learned], 100, np.random.default_rng(0))["phone"]
    assert made.type == pa.int64()
    assert pc.min(made).as_py() >= 10**8


def test_values_repeat_as_often_as_in_the_source() -> None:
    source = pa.array([f"{i} Some Street" for i in range(60) for _ in range(7)])
    learned = PiiColumn.learn(text("street"), "street", source, k=5)
    counts = Counter(filled([learned], 420)["street"])
    assert len(counts) == 60
    assert 4 <= np.median(list(counts.values())) <= 10


def test_rows_that_repeat_an_address_repeat_all_of_it() -> None:
    streets = pa.array([f"{i} Some Street" for i in range(60)] * 5)
    cities = pa.array([f"City {i}" for i in range(60)] * 5)
    columns = [PiiColumn.learn(text("s"), "street", streets, k=5), PiiColumn.learn(text("c"), "city", cities, k=5)]
    made = filled(columns, 300)
    pairs = set(zip(made["s"], made["c"], strict=True))
    assert len(pairs) == 60


def test_names_come_from_the_sources_language() -> None:
    german = pa.array(["Hans-Jürgen Müller", "Käthe Schröder", "Günter Schulze", "Jörg Krüger", "Ulrike Weiß"] * 3)
    assert PiiColumn.learn(text("name"), "full_name", german, k=5).locale == "de_DE"


def test_upper_case_names_stay_upper_case() -> None:
    learned = PiiColumn.learn(text("last_name"), "last_name", pa.array(["SMITH", "JONES", "DAVIS"]), k=5)
    assert all(name == name.upper() for name in filled([learned], 50)["last_name"])


def test_blank_values_stay_blank() -> None:
    source = pa.array([" "] * 30 + [f"+49 30 {i}" for i in range(100_000, 100_010)])
    learned = PiiColumn.learn(text("phone"), "phone", source, k=5)
    made = Counter(number.strip() for number in filled([learned], 400)["phone"])
    assert made[""] == pytest.approx(300, abs=40)
    assert all(number.startswith("+49 30 ") for number in made if number)
    silent = PiiColumn.learn(text("phone"), "phone", pa.array([" "] * 9), k=5)
    assert filled([silent], 5)["phone"] == [" "] * 5


def test_no_rows_and_no_columns_are_no_problem() -> None:
    assert filled([], 10) == {}
    assert filled([PiiColumn(kind, kind, unique=True) for kind in KINDS], 0)["email"] == []
    empty = PiiColumn.learn(text("email"), "email", pa.array([None, None], pa.string()), k=5)
    assert len(filled([empty], 3)["email"]) == 3


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=6), st.integers(0, 300), st.integers(0, 9))
def test_the_seed_decides_every_byte(kinds: list[str], rows: int, seed: int) -> None:
    columns = [PiiColumn(f"c{i}", kind, unique=i % 2 == 0) for i, kind in enumerate(kinds)]
    assert filled(columns, rows, seed) == filled(columns, rows, seed)


@pytest.mark.slow
def test_a_million_persons_take_seconds() -> None:
    columns = [PiiColumn(kind, kind, unique=kind == "email") for kind in ("first_name", "last_name", "email", "street")]
    filled(columns, 10)
    start = time.perf_counter()
    made = fill(columns, 1_000_000, np.random.default_rng(0))
    assert time.perf_counter() - start < 15
    assert pc.count_distinct(made["email"]).as_py() == 1_000_000


def test_names_go_with_the_gender_and_the_country_of_the_row() -> None:
    """First name, and with it the e-mail address, by gender; family name and city by country."""
    n = 400
    columns = [PiiColumn(kind, kind) for kind in ("first_name", "last_name", "email", "city")]
    others = {"sex": pa.array(["F", "M", None, "m"] * (n // 4)), "country": pa.array(["Germany", "Italia"] * (n // 2))}
    made = fill(columns, n, np.random.default_rng(1), traits=Traits.of(others, n))
    rows = pa.table({**others, **made}).to_pylist()
    locales = {"Germany": "de_DE", "Italia": "it_IT"}
    for row in rows:
        locale = locales[row["country"]]
        assert row["last_name"] in pools.last_names(locale)
        assert row["city"] in pools.cities(locale)
        gender = {"F": 1, "M": 2, "m": 2}.get(row["sex"], 0)
        assert row["first_name"] in pools.first_names(locale, gender)
        plain = unicodedata.normalize("NFKD", row["first_name"]).encode("ascii", "ignore").decode().lower()
        assert row["email"].startswith(plain.replace("-", "").replace(" ", ""))


def test_rows_of_one_person_have_one_gender() -> None:
    source = pa.array([f"Zora{i % 40}" for i in range(400)])
    column = PiiColumn.learn(text("first_name"), "first_name", source, k=2)
    sexes = pa.array(["female", "male"] * 200)
    made = fill([column], 400, np.random.default_rng(1), traits=Traits.of({"gender": sexes}, 400))["first_name"]
    named = list(zip(made.to_pylist(), sexes.to_pylist(), strict=True))
    women, men = ({name for name, s in named if s == sex} for sex in ("female", "male"))
    assert len(women & men) <= 2
    assert 30 <= len(women | men) <= 41


def test_titles_and_labels_in_many_languages_tell_genders() -> None:
    labels = ["Frau", "Herr", "Mrs", "femme", "hombre", "x", None]
    assert Traits.of({"anrede": pa.array(labels)}, 7).genders.tolist() == [1, 2, 1, 1, 2, 0, 0]
    assert Traits.of({"note": pa.array(labels)}, 7).genders.tolist() == [0] * 7
