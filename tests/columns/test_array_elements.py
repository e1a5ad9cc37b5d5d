"""Elements of arrays are valid values of their type, whatever was drawn."""

import uuid

import numpy as np
import pyarrow as pa
import pytest

from dbclone.columns.array_elements import valid
from dbclone.schema import SqlType, TypeFamily

RNG = np.random.default_rng(1)


def made(text: str, item: SqlType, *kept: str) -> str | None:
    found: str | None = valid(pa.array([text, None]), frozenset(kept), item, RNG).to_pylist()[0]
    return found


@pytest.mark.parametrize(
    ("family", "drawn", "expected"),
    [
        (TypeFamily.DATE, "2024-19-45", "2024-07-17"),
        (TypeFamily.DATE, "nothing", None),
        (TypeFamily.TIMESTAMP, "0000-02-30 25:61:00", "0001-02-02 01:01:00"),
        (TypeFamily.TIME, "24:00", "00:00:00"),
        (TypeFamily.BYTES, "\\x0gf", "\\x07"),
        (TypeFamily.JSON, '{"broken', "{}"),
        (TypeFamily.TEXT, "whatever", "whatever"),
    ],
)
def test_what_is_made_of_a_pattern_is_brought_into_range(family: TypeFamily, drawn: str, expected: str | None) -> None:
    assert made(drawn, SqlType(family, str(family))) == expected


def test_labels_truths_and_identifiers_are_such() -> None:
    assert made("xx", SqlType(TypeFamily.ENUM, "mood", values=("a", "b"))) in ("a", "b")
    assert made("x", SqlType(TypeFamily.BOOLEAN, "boolean")) in ("t", "f")
    assert str(uuid.UUID(made("zz8fad5b-d9cb", SqlType(TypeFamily.UUID, "uuid")))).startswith("aa8fad5b-d9cb")


def test_real_ones_stay_and_what_is_not_known_becomes_null() -> None:
    assert made("(1,2)", SqlType(TypeFamily.OPAQUE, "odd"), "(1,2)") == "(1,2)"
    assert made("(7,9)", SqlType(TypeFamily.OPAQUE, "odd"), "(1,2)") is None
    assert made("broken", SqlType(TypeFamily.OPAQUE, "point")) is not None


def test_texts_are_no_longer_than_their_type() -> None:
    assert made("abcdef", SqlType(TypeFamily.TEXT, "char(4)", length=4)) == "abcd"
