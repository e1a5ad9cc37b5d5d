"""Documents and arrays come back valid, with the keys that many have, and without the strings that few have."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbclone.columns.array_text import parse
from dbclone.columns.kinds import detect
from dbclone.columns.structured import StructuredCodec
from dbclone.errors import PlanError
from dbclone.schema import Column, SqlType, TypeFamily

K = 5
JSON = SqlType(TypeFamily.JSON, "jsonb")


def array_of(family: TypeFamily) -> SqlType:
    return SqlType(TypeFamily.ARRAY, f"{family.value}[]", item=SqlType(family, family.value))


def again(values: list[str | None], kind: SqlType = JSON, times: int = 1, unique: bool = False) -> list[str | None]:
    source = pa.array(values, pa.string())
    codec = StructuredCodec.fit(source, kind, K)
    codes = codec.encode(source)
    assert ((codes >= 0) & (codes < codec.size)).all()
    return codec.decode(np.tile(codes, times), np.random.default_rng(0), unique).to_pylist()


def people(n: int = 300) -> list[str | None]:
    rng = np.random.default_rng(1)
    return [
        json.dumps(
            {
                "name": "".join("zrkmpwv"[int(d)] for d in np.base_repr(i + 49, 7)).capitalize(),
                "age": int(rng.integers(18, 60)),
                "score": round(float(rng.random()), 2),
                "tags": [str(t) for t in rng.choice(["new", "old"], int(rng.integers(0, 3)))],
                "home": {"city": str(rng.choice(["Ulm", "Bonn"])), "owner": bool(rng.random() < 0.3)},
            }
            | ({"vip": None} if i % 4 == 0 else {})
            | ({"secret": 1} if i == 7 else {})
        )
        for i in range(n)
    ]


def test_documents_keep_keys_types_and_ranges() -> None:
    documents = [json.loads(text) for text in again(people()) if text]
    assert {key for document in documents for key in document} == {"name", "age", "score", "tags", "home", "vip"}
    assert np.mean(["vip" in document for document in documents]) == pytest.approx(0.25, abs=0.02)
    assert all(18 <= document["age"] < 60 and 0 <= document["score"] <= 1 for document in documents)
    assert {document["home"]["city"] for document in documents} == {"Ulm", "Bonn"}
    assert np.mean([document["home"]["owner"] for document in documents]) == pytest.approx(0.3, abs=0.1)
    assert {tag for document in documents for tag in document["tags"]} == {"new", "old"}
    assert not {document["name"] for document in documents} & {json.loads(text)["name"] for text in people() if text}


def test_whole_documents_that_many_hold_stay() -> None:
    made = again(['{"a": 1}'] * 20 + ['{"a": 2}'] * 20 + [None] * 3)
    assert made == ['{"a": 1}'] * 20 + ['{"a": 2}'] * 20 + [None] * 3


def test_unique_documents_differ_or_are_refused() -> None:
    made = again(people(), times=5, unique=True)
    assert len(set(made)) == 1500
    with pytest.raises(PlanError, match="jsonb"):
        again(["[]", "[ ]"], times=5, unique=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", []),
        ("{1,2}", [1, 2]),
        ('{a,"b c",NULL,"say \\"x\\""}', ["a", "b c", None, 'say "x"']),
        ("{{1,2},{3,4}}", [[1, 2], [3, 4]]),
        ("[0:1]={1.5,2}", [1.5, 2]),
    ],
)
def test_array_text_is_read(text: str, expected: list[object]) -> None:
    assert parse(text) == expected


def test_arrays_of_numbers_hold_numbers() -> None:
    rng = np.random.default_rng(1)
    numbers = [rng.integers(10, 99, rng.integers(0, 5)) for _ in range(99)]
    source: list[str | None] = ["{" + ",".join(map(str, row)) + "}" for row in numbers]
    made = [parse(text) for text in again(source, array_of(TypeFamily.INTEGER)) if text]
    assert all(isinstance(found, list) and len(found) < 5 for found in made)
    elements = [number for found in made if isinstance(found, list) for number in found]
    assert all(isinstance(number, int) and 10 <= number < 99 for number in elements)


def test_arrays_of_arrays_stay_rectangular() -> None:
    source: list[str | None] = [f"{{{{{i},2,3}},{{4,5,{i + 1}}}}}" for i in range(60)]
    for text in again(source, array_of(TypeFamily.INTEGER)):
        assert text is not None
        rows = parse(text)
        assert isinstance(rows, list)
        assert {len(row) for row in rows if isinstance(row, list)} == {3}


def test_rare_elements_are_replaced() -> None:
    source: list[str | None] = [f'{{red,"code {i}"}}' for i in range(60)]
    made = again(source, array_of(TypeFamily.TEXT))
    assert not set(made) & set(source)
    assert all(isinstance(parse(text), list) for text in made if text)


leaves = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False) | st.text(max_size=8)
names = st.text(max_size=4)
trees = st.recursive(leaves, lambda t: st.lists(t, max_size=3) | st.dictionaries(names, t, max_size=3), max_leaves=8)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | trees.map(json.dumps) | st.just("not json {"), max_size=30))
def test_output_is_valid_whatever_the_source(source: list[str | None]) -> None:
    made = again(source, times=2)
    assert [text is None for text in made] == [text is None for text in source] * 2
    for text in made:
        json.loads(text or "null")


# --- personal data inside ---------------------------------------------------------------------------------------------

PEOPLE = [
    {"plan": ("free", "paid")[i % 2],
     "contact": {"email": f"zor{i}@mim{i % 3}.com", "name": f"Petra Zorbak{chr(97 + i % 26)}{chr(97 + i // 26)}"},
     "tags": ["red", "blue"][: i % 3], "age": 20 + i % 40}
    for i in range(120)
]  # fmt: skip


def test_personal_data_inside_documents_is_made_up_and_nothing_of_it_kept() -> None:
    """Not even a name that many share, nor a whole document."""
    texts = [json.dumps(person) for person in PEOPLE for _ in range(K)]
    codec = StructuredCodec.fit(pa.array(texts), JSON, K)
    made = [json.loads(text) for text in again(list(texts)) if text]
    held = repr(codec).lower()
    assert not any(word in held for word in ("zorbak", "mim1", "petra"))
    assert {m["plan"] for m in made} == {"free", "paid"}
    assert all(m["contact"]["email"].endswith("@example.com") for m in made)
    assert not {m["contact"]["name"] for m in made} & {p["contact"]["name"] for p in PEOPLE}  # type: ignore[index]


def test_what_is_personal_inside_stands_in_the_plan() -> None:
    texts = pa.array([json.dumps(person) for person in PEOPLE])
    for family in (TypeFamily.JSON, TypeFamily.TEXT):
        kind = detect(Column("data", SqlType(family, str(family))), texts, False)
        assert kind.kind == "structured"
        assert "contact.email: email" in kind.reason
        assert "contact.name: full_name" in kind.reason
        assert "zor" not in kind.reason


def test_arrays_of_addresses_are_made_up() -> None:
    texts = [f"{{zor{i}@mim.com,kel{i}@mim.com}}" for i in range(60)]
    codec = StructuredCodec.fit(pa.array(texts), array_of(TypeFamily.TEXT), K, name="emails")
    made = codec.decode(codec.encode(pa.array(texts)), np.random.default_rng(0)).to_pylist()
    assert not any("mim" in text for text in made)


def test_numbers_inside_stem_from_k_entities_each() -> None:
    """The extremes are means of k; one document of one entity is no more than a magnitude."""
    numbers = [*range(1_000, 2_000, 7), 987_654_321]
    documents = [json.dumps({"income": n}) for n in numbers]
    codec = StructuredCodec.fit(pa.array(documents), JSON, K)
    assert 987_654_321 not in [json.loads(text)["income"] for text in again(list(documents), times=4) if text]
    knots = codec.root.children[0].integers
    assert not {int(k) for k in knots} & {987_654_321, 1_000}
    lonely = StructuredCodec.fit(pa.array(['{"income": 123456}'] * 9), JSON, K, np.zeros(9, dtype=np.int64))
    assert "123456" not in repr(lonely)
