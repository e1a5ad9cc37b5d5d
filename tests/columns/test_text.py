"""New texts have the source's shapes; no string of the source comes back that fewer than k entities hold."""

import datetime as dt
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbclone.columns.base import NULL
from dbclone.columns.text import EMPTY, TextCodec, rare_levels
from dbclone.errors import PlanError

K = 5
ADJECTIVES, NOUNS = ("Silent", "Red", "Last", "Hidden", "Broken"), ("River", "Empire", "Garden", "Letter")


def titles(n: int = 400, seed: int = 1) -> pa.Array:
    """Film titles with a rare middle word each: 'The Silent Zyxab River (1994)'."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("aeioulmnrstvz"))
    rare = ["".join(rng.choice(letters, 6)).capitalize() for _ in range(n)]
    return pa.array(
        [
            f"The {ADJECTIVES[rng.integers(5)]} {word} {NOUNS[rng.integers(4)]} ({rng.integers(1990, 1999)})"
            for word in rare
        ]
    )


def decoded(codec: TextCodec, codes: np.ndarray, unique: bool = False, seed: int = 0) -> list[str | None]:
    return codec.decode(codes, np.random.default_rng(seed), unique).to_pylist()


def test_titles_keep_their_form_but_not_their_words() -> None:
    source = titles()
    codec = TextCodec.fit(source, K)
    made = decoded(codec, codec.encode(source))
    assert not set(made) & set(source.to_pylist())
    assert np.mean([t is not None and t.startswith("The ") and t.endswith(")") for t in made]) > 0.9
    rare = {title.split()[2] for title in source.to_pylist()}
    assert not rare & {word for title in made if title for word in title.split()}
    lengths = [np.mean([len(t) for t in texts if t]) for texts in (made, source.to_pylist())]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.15)


def test_null_and_empty_have_codes_of_their_own() -> None:
    source = pa.array([None, "", "some words here", None])
    codec = TextCodec.fit(source, K)
    codes = codec.encode(source)
    assert codes.tolist()[:2] == [NULL, EMPTY]
    made = decoded(codec, codes)
    assert made[0] is None
    assert made[1] == ""
    assert made[2] not in (None, "", "some words here")


def test_whole_strings_that_many_hold_stay() -> None:
    source = pa.array(["no remarks"] * 30 + ["call back"] * 4 + [f"patient {i} was seen" for i in range(60)])
    codec = TextCodec.fit(source, K)
    made = Counter(decoded(codec, codec.encode(source)))
    assert made["no remarks"] == 30
    assert made["call back"] == 0


def test_one_entity_with_many_rows_is_still_one() -> None:
    source = pa.array(["my own secret phrase"] * 50 + [f"note {i} of others" for i in range(50)])
    entities = np.array([0] * 50 + list(range(1, 51)))
    codec = TextCodec.fit(source, K, entities)
    assert "my own secret phrase" not in decoded(codec, codec.encode(source))


def test_codes_follow_their_pattern() -> None:
    source = pa.array([f"R{i % 7}-{i:04d}" for i in range(13, 500, 3)])
    codec = TextCodec.fit(source, K)
    made = decoded(codec, codec.encode(source), unique=True)
    assert len(set(made)) == len(source)
    assert all(pc.match_substring_regex(pa.array(made), r"^R[0-6]-\d{4,5}$").to_pylist())


def test_links_keep_what_they_share() -> None:
    source = pc.binary_join_element_wise("http://films.test/t?name=", pc.replace_substring(titles(), " ", "%20"), "")
    codec = TextCodec.fit(source, K)
    made = decoded(codec, codec.encode(source))
    assert np.mean([t is not None and t.startswith("http://films.test/t?name=") for t in made]) > 0.9


def test_upper_case_stays_upper_case() -> None:
    source = pc.utf8_upper(titles())
    made = decoded(codec := TextCodec.fit(source, K), codec.encode(source))
    assert made == [text and text.upper() for text in made]


def test_other_scripts_stay_in_their_script() -> None:
    rng = np.random.default_rng(2)
    letters = np.array(list("абвгдежзиклмнопрст"))
    source = pa.array([" ".join("".join(rng.choice(letters, 6)) for _ in range(3)) for _ in range(200)])
    made = decoded(codec := TextCodec.fit(source, K), codec.encode(source))
    assert not any(character.isascii() and character.isalpha() for text in made if text for character in text)


def test_uniqueness_survives_a_small_capacity_and_is_refused_beyond_it() -> None:
    codec = TextCodec.fit(pa.array(["a", "b", "c"]), K, None, 2)
    made = decoded(codec, np.full(3000, codec.size - 1), unique=True)
    assert len(set(made)) == 3000
    assert all(text is not None and 0 < len(text) <= 2 for text in made)
    with pytest.raises(PlanError, match="2 characters can hold 3844 values"):
        decoded(codec, np.full(5000, codec.size - 1), unique=True)


def test_rare_levels_are_replaced_one_for_one() -> None:
    source = titles(80)
    made = rare_levels(source, np.arange(80), np.random.default_rng(0), K).to_pylist()
    assert len(set(made)) == 80
    assert not set(made) & set(source.to_pylist())


texts = st.lists(st.none() | st.text(max_size=30) | st.sampled_from(["Ab cd", "x-1", "yes"]), max_size=60)


@settings(max_examples=120, deadline=None)
@given(texts, st.integers(1, 25), st.booleans(), st.integers(0, 5))
def test_whatever_the_source_codes_nulls_lengths_and_seeds_hold(
    source: list[str | None], length: int, unique: bool, seed: int
) -> None:
    source = [text and text[:length] for text in source]
    values = pa.array(source, pa.string())
    codec = TextCodec.fit(values, K, None, length)
    codes = codec.encode(values)
    assert codes.dtype == np.int32
    assert ((codes >= 0) & (codes < codec.size)).all()
    assert [code == NULL for code in codes] == [text is None for text in source]
    made = decoded(codec, codes, unique, seed)
    assert [text is None for text in made] == [text is None for text in source]
    assert all(text is None or len(text) <= length for text in made)
    assert made == decoded(codec, codes, unique, seed)
    present = [text for text in made if text is not None]
    assert not unique or len(set(present)) == len(present)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%S.%f+00:00"])
def test_dates_kept_as_text_stay_real_dates_of_their_form(form: str) -> None:
    days = np.sort(np.random.default_rng(1).integers(0, 3000, 400))
    moments = [dt.datetime(2015, 1, 1) + dt.timedelta(days=int(day), minutes=int(day) * 7) for day in days]
    source = pa.array([moment.strftime(form) for moment in moments])
    codec = TextCodec.fit(source, K)
    made = [dt.datetime.strptime(text, form) for text in decoded(codec, codec.encode(source)) if text]
    assert moments[0] - dt.timedelta(days=1) <= min(made)
    assert max(made) <= moments[-1] + dt.timedelta(days=1)
    assert max(abs(a - b) for a, b in zip(made, moments, strict=True)) < dt.timedelta(days=300)


def test_impossible_dates_in_the_source_do_no_harm() -> None:
    source = pa.array([f"2020-02-{day:02d}" for day in range(1, 32)] * 5)
    codec = TextCodec.fit(source, K)
    assert None not in decoded(codec, codec.encode(source))


words = st.sampled_from(["red", "blue", "big", "small", "cat", "dog", "house", "Mary", "Zoë", "1996", "(x)"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(words, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=80))
def test_no_string_comes_back_that_fewer_than_k_hold(source: list[str]) -> None:
    codec = TextCodec.fit(pa.array(source), K)
    held = Counter(source)
    made = decoded(codec, np.tile(codec.encode(pa.array(source)), 5))
    rare = {text for text in made if text and 0 < held[text] < K and any(map(str.isalpha, text))}
    assert not {text for text in rare if len(text) > 3}
