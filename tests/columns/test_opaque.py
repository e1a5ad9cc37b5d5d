"""Types that are not modelled come back valid, guarded and, where asked for, unique."""

import numpy as np
import pyarrow as pa
import pytest

from dbclone.columns.base import NULL
from dbclone.columns.literals import FORMS, seconds_of
from dbclone.columns.opaque import BytesCodec, OpaqueCodec, fit_opaque
from dbclone.errors import PlanError
from dbclone.findings import Severity
from dbclone.schema import SqlType, TableName, TypeFamily

EXAMPLES = {
    "interval": ["1 day 02:00:00", "3 mons 4 days", "-00:05:00", "2 years"],
    "int4range": ["[1,5)", "[10,20)", "empty"],
    "numrange": ["[1.5,2.5]", "(0.1,9)"],
    "daterange": ["[2020-01-01,2020-02-01)", "[2021-05-05,)"],
    "tstzrange": ['["2020-01-01 10:00:00+00","2020-01-02 10:00:00+00")'],
    "datemultirange": ["{[2020-01-01,2020-02-01)}"],
    "money": ["$1,200.50", "$3.00"],
    "inet": ["192.168.3.4", "8.8.8.8/24"],
    "cidr": ["192.168.0.0/24"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "bit(5)": ["01010", "11111"],
    "point": ["(1.5,2)", "(3,4)"],
    "tsvector": ["'cat':1 'dog':2"],
    "xml": ["<a>b</a>"],
}


def opaque(sql: str) -> SqlType:
    return SqlType(TypeFamily.INTERVAL if sql == "interval" else TypeFamily.OPAQUE, sql)


@pytest.mark.parametrize("sql", EXAMPLES)
def test_rare_values_of_known_types_are_made_anew(sql: str) -> None:
    source = pa.array([*EXAMPLES[sql], None])
    codec = OpaqueCodec.fit(source, opaque(sql), k=5)
    codes = codec.encode(source)
    assert codes[-1] == NULL
    made = codec.decode(codes, np.random.default_rng(0)).to_pylist()
    assert made[-1] is None
    assert all(isinstance(value, str) for value in made[:-1])
    assert codec.invents


def test_frequent_values_stay_and_rare_ones_of_unknown_types_do_not() -> None:
    source = pa.array(["(a)"] * 50 + ["(b)"] * 20 + ["(secret)"])
    codec = OpaqueCodec.fit(source, opaque("my_type"), k=5)
    made = codec.decode(np.tile(codec.encode(source), 20), np.random.default_rng(0)).to_pylist()
    assert set(made) == {"(a)", "(b)"}
    assert made.count("(a)") == pytest.approx(20 * 50, rel=0.1)


def test_unknown_types_without_frequent_values_become_null_if_they_may() -> None:
    source = pa.array(["(1)", "(22)"])
    codec = OpaqueCodec.fit(source, opaque("my_type"), k=5)
    assert codec.decode(codec.encode(source), np.random.default_rng(0)).to_pylist() == [None, None]
    assert codec.finding(TableName("", "t"), "c").severity is Severity.WARNING
    strict = OpaqueCodec.fit(source, opaque("my_type"), k=5, nullable=False)
    assert None not in strict.decode(strict.encode(source), np.random.default_rng(0)).to_pylist()


def test_unique_values_differ_or_are_refused() -> None:
    codec = OpaqueCodec.fit(pa.array(EXAMPLES["inet"]), opaque("inet"), k=5)
    codes = np.full(3000, 1, dtype=np.int32)
    codes[::3] = NULL
    made = codec.decode(codes, np.random.default_rng(0), unique=True).to_pylist()
    assert made.count(None) == 1000
    assert len(set(made)) == 2001
    unknown = OpaqueCodec.fit(pa.array(["(1)", "(1)"]), opaque("my_type"), k=2)
    with pytest.raises(PlanError, match="my_type"):
        unknown.decode(np.array([1, 1, 1]), np.random.default_rng(0), unique=True)


def test_an_interval_has_its_seconds() -> None:
    assert seconds_of("1 day 02:00:30") == 86_400 + 7_230
    assert seconds_of("-00:05:00") == -300
    assert seconds_of("soon") is None


def test_bytes_keep_their_length_classes_and_nothing_else() -> None:
    source = pa.array([bytes([7] * 16)] * 40 + [b"x" * 1000] * 40 + [None] * 5)
    codec = fit_opaque(source, SqlType(TypeFamily.BYTES, "bytea"), k=5)
    assert isinstance(codec, BytesCodec)
    made = codec.decode(codec.encode(source), np.random.default_rng(0)).to_pylist()
    assert [len(value) for value in made[:80]] == [16] * 40 + [1000] * 40
    assert made[80:] == [None] * 5
    assert not set(made[:80]) & set(source.to_pylist())


def test_unique_bytes_differ_even_if_they_are_short() -> None:
    kind = SqlType(TypeFamily.BYTES, "blob", length=2)
    codec = BytesCodec.fit(pa.array([b"a", b"b"]), kind, k=5)
    made = codec.decode(np.full(5000, 1), np.random.default_rng(0), unique=True).to_pylist()
    assert len(set(made)) == 5000
    with pytest.raises(PlanError, match="2 bytes"):
        codec.decode(np.full(70_000, 1), np.random.default_rng(0), unique=True)


def test_every_form_can_be_drawn_without_examples() -> None:
    for sql in FORMS:
        codec = OpaqueCodec.fit(pa.array([], pa.string()), opaque(sql), k=5)
        assert codec.decode(np.array([1, NULL]), np.random.default_rng(0)).to_pylist()[1] is None
