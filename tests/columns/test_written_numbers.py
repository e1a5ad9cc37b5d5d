"""Numbers that are kept as text are coded as numbers and written back as they were; what merely has digits is not."""

from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dbclone.columns.codecs import fit_codec
from dbclone.columns.kinds import detect
from dbclone.columns.number_forms import GROUPS, MARKS, MOST, NumberForm
from dbclone.columns.text import TextCodec
from dbclone.columns.written_numbers import WRITTEN_NUMBER, WrittenNumberCodec
from dbclone.schema import Column, SqlType, TableName, TypeFamily

TEXT = SqlType(TypeFamily.TEXT, "text")
NORMAL = np.random.default_rng(0).normal(size=400)


def lap(milliseconds: float) -> str:
    whole = int(milliseconds)
    return f"{whole // 60_000}:{whole % 60_000 // 1000:02d}.{whole % 1000:03d}"


def hours(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def european(number: float) -> str:
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


def money(number: float) -> str:
    return f"{'-' if number < 0 else ''}${abs(number):,.2f}"


QUANTITIES = {
    "as m:ss.fff": [lap(90_000 + 5_000 * x) for x in NORMAL],
    "as m:ss": [lap(400_000 + 90_000 * x)[:-4] for x in NORMAL],
    "as h:mm:ss": [hours(3_500 + 900 * x) for x in NORMAL],
    "as mm:ss": [f"{int(20 * abs(x)):02d}:{int(900 * abs(x)) % 60:02d}" for x in NORMAL],
    "with 1 decimal and a unit": [f"{80 + 5 * x:.1f} kg" for x in NORMAL],
    "with 2 decimals, thousands apart and a unit": [money(900 * x) for x in NORMAL],
    "with 2 decimals, thousands apart and a unit, too": [f"{european(np.exp(6 + x))} €" for x in NORMAL],
    "with 2 decimals, thousands apart and a unit, as well": [
        f"CHF {np.exp(8 + x):,.2f}".replace(",", "'") for x in NORMAL
    ],
    "with no decimals and a unit": [f"{int(50 + 20 * x)}%" for x in NORMAL],
    "with no decimals and a unit, too": [f"{int(90 + 20 * x)}mg" for x in NORMAL],
    "with no decimals and a unit, as well": [f"{int(20 + 20 * x)}°" for x in NORMAL],
    "with no decimals and thousands apart": [f"{int(np.exp(9 + 2 * x)):,}" for x in NORMAL],
    "with 1 decimal": [f"{round(90 * x) / 10:+.1f}" for x in NORMAL],
    "with 2 decimals": [f"{abs(50 + 20 * x):06.2f}" for x in NORMAL],
    "with 3 decimals": [f"{abs(x) / 4:.3f}".lstrip("0") for x in NORMAL],
    "with up to 2 decimals": [f"{round(10 * x + 50, 2):g}" for x in NORMAL],
    "with no decimals": [str(int(np.exp(5 + x))) for x in NORMAL],
}  # fmt: skip

NONE = {
    "invoice": [f"INV-{i:05d}" for i in range(400)],
    "postal": [f"{i * 211 % 99_999:05d}" for i in range(400)],
    "card": [f"{4_000_000_000_000_000 + i * 7_919_131}" for i in range(400)],
    "build": [f"{i % 7}.{i % 59}" for i in range(400)],
    "software": [f"{i % 7}.{i % 11}.{i % 9}" for i in range(400)],
    "model": [f"v{i % 9}.{i % 31}" for i in range(400)],
    "host": [f"10.{i % 7}.{i % 250}.{i % 31}" for i in range(400)],
    "dialled": [f"+4930{i * 7_919_131 % 9_999_999}" for i in range(400)],
    "counted": [str(i) for i in range(1, 401)],
    "founded": [str(1900 + i % 120) for i in range(400)],
    "month": [f"{1 + i % 12:02d}.{1990 + i % 30}" for i in range(400)],
    "icd_code": [f"{200 + i % 300}.{i % 10}" for i in range(400)],
    "result": [f"{i % 27}:{i % 13}" for i in range(400)],
    "mac": [f"{i % 99:02d}:{i % 77:02d}:{i % 55:02d}:11:22:33" for i in range(400)],
    "room": [f"Room {i % 300}" for i in range(400)],
    "place": [f"lap {i % 300} of race" for i in range(400)],
    "bus": [f"{i % 300}A" for i in range(400)],
    "holder": [f"{10 + i % 89}.{100 + i * 7 % 899}.{100 + i * 31 % 899}" for i in range(400)],
    "amount": [f"{i} {'kg' if i % 2 else 'lb'}" for i in range(400)],
    "grade": [f"{i % 19} points" for i in range(400)],
    "day": [f"2020-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(400)],
    "formula": [f"{i}/{i + 3}" for i in range(400)],
    "title": [f"thing {i} of {i}" for i in range(400)],
}


def kind(name: str, texts: list[str | None], *, in_key: bool = False) -> str:
    column = Column(name, TEXT)
    return detect(column, pa.array(texts, pa.string()), False, TableName("", "things"), in_key=in_key).kind


@pytest.mark.parametrize("form", QUANTITIES)
def test_each_form_is_recognised_and_every_text_comes_back(form: str) -> None:
    texts = pa.array(QUANTITIES[form])
    found = detect(Column("thing", TEXT), texts, False)
    assert found.kind == WRITTEN_NUMBER
    assert f"100% are numbers written {form.removesuffix(', too').removesuffix(', as well')}" in found.reason
    codec = WrittenNumberCodec.fit(texts, 5)
    assert codec is not None
    assert codec.restore(codec.measure(texts)).equals(texts)


@pytest.mark.parametrize("name", NONE)
def test_codes_dates_and_mixtures_are_no_numbers(name: str) -> None:
    assert kind(name, list(NONE[name])) != WRITTEN_NUMBER


def test_columns_of_keys_and_persons_are_no_numbers() -> None:
    laps = list(QUANTITIES["as m:ss.fff"])
    assert kind("lap", laps) == WRITTEN_NUMBER
    assert kind("lap", laps, in_key=True) != WRITTEN_NUMBER
    assert kind("phone", [f"030 {x}.{x}" for x in range(100_000, 100_400)]).startswith("pii:")


def test_what_repeats_and_is_little_stays_a_category() -> None:
    assert kind("discount", [f"{5 * (i % 12)}%" for i in range(400)]) == "categorical"
    assert kind("ward", [str(i % 90) for i in range(400)]) == "categorical"


def test_numbers_are_those_that_the_text_says() -> None:
    texts = pa.array(["1:27.601", "0:59.999", None, "12:00.000"] * 10)
    codec = WrittenNumberCodec.fit(texts)
    assert codec is not None
    np.testing.assert_allclose(codec.numbers(texts)[:4], [87.601, 59.999, np.nan, 720.0])
    assert codec.unit == 0.001
    assert codec.restore(np.array([87_602.0, np.nan])).to_pylist() == ["1:27.602", None]


def test_the_step_is_the_coarsest_one() -> None:
    codec = WrittenNumberCodec.fit(pa.array([f"{5 * i} mg" for i in range(3, 90)]))
    assert codec is not None
    assert codec.unit == 5
    assert codec.restore(np.array([4.0])).to_pylist() == ["20 mg"]


def test_hours_and_minutes_are_written_where_there_are_any() -> None:
    texts = pa.array(
        [f"{s / 100:.2f}" if s < 6000 else f"{s // 6000}:{s % 6000 / 100:05.2f}" for s in range(4000, 9000, 7)]
    )
    codec = WrittenNumberCodec.fit(texts)
    assert codec is not None
    assert codec.restore(codec.measure(texts)).equals(texts)
    assert codec.restore(np.array([5_999.0, 6_000.0])).to_pylist() == ["59.99", "1:00.00"]


def test_a_text_that_says_that_there_is_none_counts_as_nothing() -> None:
    texts = pa.array([text if i % 3 else "n/a" for i, text in enumerate(QUANTITIES["as m:ss.fff"])])
    codec = WrittenNumberCodec.fit(texts, 5)
    assert codec is not None
    assert np.isnan(codec.measure(texts)).sum() == 134
    assert codec.restore(codec.measure(texts)).equals(texts)
    assert WrittenNumberCodec.fit(texts, 5, np.arange(400) % 3) is None, "three persons hold it"


def test_a_stray_text_is_nothing_where_there_may_be_nothing() -> None:
    laps: list[str | None] = list(QUANTITIES["as m:ss.fff"])
    laps[7] = "fell at the start"
    assert WrittenNumberCodec.fit(pa.array(laps), 5) is None
    laps[8] = None
    codec = WrittenNumberCodec.fit(pa.array(laps), 5)
    assert codec is not None
    assert np.flatnonzero(np.isnan(codec.measure(pa.array(laps)))).tolist() == [7, 8]
    assert "fell" not in repr(codec)


def test_a_unit_that_few_hold_is_not_kept() -> None:
    texts = pa.array([f"{i}.5 qxqxq" for i in range(400)])
    column = Column("weight", TEXT)
    assert isinstance(
        fit_codec(WRITTEN_NUMBER, column, pa.chunked_array([texts]), 5, np.arange(400)), WrittenNumberCodec
    )
    few = fit_codec(WRITTEN_NUMBER, column, pa.chunked_array([texts]), 5, np.arange(400) % 4)
    assert isinstance(few, TextCodec)
    assert WrittenNumberCodec.fit(texts, 5, private=frozenset({"qxqxq"})) is None


def test_minus_nothing_is_nothing() -> None:
    texts = pa.array([f"{x / 10:+.1f}" for x in range(-30, 30)] + ["-0.0"])
    codec = WrittenNumberCodec.fit(texts)
    assert codec is not None
    assert codec.restore(codec.measure(texts)).to_pylist() == [*texts.to_pylist()[:-1], "+0.0"]


def test_numbers_stay_within_the_length_and_the_signs_of_the_column() -> None:
    codec = WrittenNumberCodec.fit(pa.array(QUANTITIES["as m:ss.fff"]), max_length=8)
    assert codec is not None
    far = codec.restore(np.array([-5.0, 599_999.0, 600_000.0, 1e300, -np.inf, np.inf])).to_pylist()
    assert far == ["0:00.000", "9:59.999", "9:59.999", "9:59.999", "0:00.000", "9:59.999"]


def test_a_long_column_is_glanced_at_only() -> None:
    texts = pa.array([f"{i} and more words of a text" for i in range(20_000)])
    assert WrittenNumberCodec.fit(texts) is None


AMBIGUOUS = "".join((*GROUPS, *MARKS, "+-−:"))
literals = st.text(st.characters(blacklist_categories=("Nd", "Cs", "Cc"), blacklist_characters=AMBIGUOUS), max_size=4)


@st.composite
def forms(draw: st.DrawFn) -> NumberForm:
    decimals = draw(st.integers(0, 6))
    most = draw(st.integers(1, 3))
    mark = draw(st.sampled_from(MARKS)) if decimals else ""
    group = draw(st.sampled_from(["", *(g for g in GROUPS if g != mark)])) if most == 1 else ""
    negative = draw(st.sampled_from(["", "-", "−"]))
    positive = draw(st.sampled_from(["", "+"]))
    return NumberForm(
        draw(literals), draw(literals), draw(literals), negative, positive, draw(st.sampled_from(["", positive])),
        0 if draw(st.booleans()) and decimals and most == 1 and not group else 1 if group else draw(st.integers(1, 3)),
        group, mark, draw(st.sampled_from([0, decimals])), decimals, (draw(st.integers(1, most)), most),
    )  # fmt: skip


numbers = st.lists(st.integers(-(10**12), 10**12) | st.integers(-9_999_999, 9_999_999), min_size=1, max_size=60)


@given(forms(), numbers)
def test_what_a_form_writes_it_reads(form: NumberForm, units: list[int]) -> None:
    units = [u if form.negative else abs(u) for u in units]
    read, good = form.read(form.write(np.array(units)))
    assume(form.width or not any(abs(u) < 1 and not form.least for u in units))
    assert good.all()
    assert read.tolist() == units


@settings(max_examples=200)
@given(forms(), numbers)
def test_what_is_taken_for_a_number_comes_back(form: NumberForm, units: list[int]) -> None:
    """Whether or not the very form is found."""
    texts = form.write(np.array(units))
    codec = WrittenNumberCodec.fit(texts)
    if codec is not None:
        assert codec.restore(codec.measure(texts)).equals(texts)


@given(st.lists(st.text("0123456789.,:-+ $€a", max_size=9) | st.none(), min_size=1, max_size=40))
def test_any_texts_come_back_or_are_nothing(texts: list[str | None]) -> None:
    codec = WrittenNumberCodec.fit(pa.array(texts, pa.string()))
    if codec is not None:
        again = codec.restore(codec.measure(pa.array(texts, pa.string()))).to_pylist()
        zeros = codec.numbers(pa.array(texts, pa.string())) == 0  # '-0' is read as 0
        assert all(new in (old, None) or zero for old, new, zero in zip(texts, again, zeros, strict=True))


@given(forms(), st.integers(1, 20))
def test_the_largest_number_that_fits_does(form: NumberForm, longest: int) -> None:
    most = form.fits(longest)
    if most:
        assert all(len(text) <= longest for text in form.write(np.array([most, -most, most // 2, 1])).to_pylist())
    if 0 < most < MOST:
        fixed = replace(form, least=form.decimals)
        assert max(len(text) for text in fixed.write(np.array([most + 1, -most - 1])).to_pylist()) > longest


FORM = NumberForm("$", "", " each", "-", "", "", 1, ",", ".", 2, 2, (1, 1))
OTHER = (-1, 10**9, "x", "7", "+", (0, 9), (2, 1), (1, 2), "a literal that is too long")


@pytest.mark.parametrize("field", [f.name for f in fields(NumberForm)])
def test_an_altered_form_is_refused_or_writes(field: str) -> None:
    for value in OTHER:
        try:
            form = replace(FORM, **{field: value})  # type: ignore[arg-type]
        except (ValueError, TypeError):
            continue
        assert len(form.write(np.array([-5, 0, 123_456]))) == 3


@pytest.mark.parametrize("change", [{"step": 0}, {"step": -3}, {"type": "int64"}, {"blank": "7"}, {"max_length": 0}])
def test_an_altered_codec_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="does not fit together"):
        replace(WrittenNumberCodec(FORM, 1), **change)  # type: ignore[arg-type]
