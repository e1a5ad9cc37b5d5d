"""What a column is follows from its type, its values' repetition and its content; the reasons hold no data."""

import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbclone.columns.kinds import detect
from dbclone.columns.sampling import sample, sample_rows
from dbclone.schema import Column, SqlType, TableName, TypeFamily

TEXT = TypeFamily.TEXT


def kind(
    values: list[object] | pa.Array,
    family: TypeFamily = TEXT,
    name: str = "thing",
    table: str = "things",
    is_key: bool = False,
) -> str:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return detect(Column(name, SqlType(family, family.value)), array, is_key, TableName("", table)).kind


@pytest.mark.parametrize(
    ("family", "values", "expected"),
    [
        (TypeFamily.BOOLEAN, [True, False], "boolean"),
        (TypeFamily.INTEGER, [1, 2, 3], "numeric"),
        (TypeFamily.INTEGER, [0, 1, 1, 0], "numeric"),
        (TypeFamily.FLOAT, [0.5, 1.5], "numeric"),
        (TypeFamily.ENUM, ["a", "b"], "categorical"),
        (TypeFamily.UUID, ["d8227d25-b547-47d7-9e8d-60d24f6a3f37"], "identifier"),
        (TypeFamily.JSON, ["{}"], "structured"),
        (TypeFamily.ARRAY, ["{1,2}"], "structured"),
        (TypeFamily.BYTES, [b"x"], "opaque"),
        (TypeFamily.OPAQUE, ["(1,2)"], "opaque"),
        (TEXT, ["m", "f", "f", "m", "f"], "categorical"),
        (TEXT, ["same"] * 9, "categorical"),
        (TEXT, ["only one"], "categorical"),
        (TEXT, [f"m{i}" for i in range(100)], "identifier"),
        (TEXT, [f"a long text with words of many kinds {i}" for i in range(100)], "text"),
        (TEXT, [f"city {i % 300}" for i in range(3000)], "categorical"),
        (TEXT, [f"2020-{1 + i % 12:02d}-{1 + i // 12:02d}" for i in range(300)], "text"),
        (TEXT, [f"track {i // 1.2:.0f}" for i in range(3000)], "text"),
    ],
)
def test_kind_follows_type_and_values(family: TypeFamily, values: list[object], expected: str) -> None:
    assert kind(values, family) == expected


def test_a_key_is_an_identifier_whatever_it_holds() -> None:
    assert kind([1, 2, 3], TypeFamily.INTEGER, is_key=True) == "identifier"
    assert kind(["a@b.de", "c@d.de"], name="email", is_key=True) == "identifier"


def test_codes_that_repeat_now_and_then_are_no_identifiers() -> None:
    assert kind([f"c{i // 1.5:.0f}" for i in range(3000)]) == "text"


def test_personal_data_is_named() -> None:
    assert kind([f"someone{i}@mail.test" for i in range(20)], name="contact") == "pii:email"


def test_birth_dates_stay_temporal() -> None:
    values = pa.array(np.arange(100).astype("datetime64[D]"))
    found = detect(Column("birth_date", SqlType(TypeFamily.DATE, "date")), values, False, TableName("", "person"))
    assert found.kind == "temporal"
    assert "birth date" in found.reason


@pytest.mark.parametrize("family", list(TypeFamily))
def test_columns_without_values_have_a_kind_too(family: TypeFamily) -> None:
    for values in (pa.nulls(0, pa.string()), pa.nulls(7, pa.string())):
        assert kind(values, family)


def test_the_sample_is_bounded_and_its_rows_are_known() -> None:
    values = pa.chunked_array([np.arange(70_000), np.arange(70_000, 300_000)])
    drawn = sample(values)
    assert len(drawn) <= 20_000
    assert drawn.to_pylist() == sample_rows(300_000).tolist()


def test_cost_stays_flat_on_long_columns() -> None:
    words = pa.array([f"word {i}" for i in range(1000)]).take(pa.array(np.arange(2_000_000) % 1000))
    start = time.perf_counter()
    assert kind(words) == "categorical"
    assert time.perf_counter() - start < 0.5


@settings(max_examples=80, deadline=None)
@given(st.lists(st.none() | st.text(alphabet=st.characters(min_codepoint=0x3400, max_codepoint=0x9FFF)), max_size=40))
def test_reasons_hold_no_data(values: list[str | None]) -> None:
    found = detect(Column("c", SqlType(TEXT, "text")), pa.array(values, pa.string()), False)
    assert not any(0x3400 <= ord(character) <= 0x9FFF for character in found.reason)
