"""Codes are taken apart into what they share and what varies; new codes have the same form."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbclone.columns.patterns import Grammar, TokenKind, learn
from dbclone.errors import PlanError

K = 5


def drawn(grammar: Grammar, n: int = 500) -> list[str]:
    return grammar.draw(n, np.random.default_rng(0)).to_pylist()


def unique(grammar: Grammar, n: int, length: int | None = None) -> list[str]:
    return grammar.draw_unique(n, np.random.default_rng(0), length).to_pylist()


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (lambda i, r: f"TR{r.integers(100, 400):03d}_{r.integers(1, 40)}", r"TR\d{3}_\d+"),
        (lambda i, r: f"INV-{r.choice([2023, 2024])}-{i:05d}", r"INV-202[34]-\d{5}"),
        (lambda i, r: f"+49 30 {r.integers(10**5, 10**6)}", r"\+49 30 \d{6}"),
        (lambda i, r: f"{r.integers(0, 10**5):05d}", r"\d{5}"),
        (
            lambda i, r: f"{r.choice(list('ABCDEFGH'))}{r.choice(list('KLMN'))}-{r.integers(100, 999)}",
            r"[A-H][K-N]-\d{3}",
        ),
    ],
)
def test_new_codes_have_the_form_of_the_old(make, form: str) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    grammar = learn([make(i, rng) for i in range(1, 400)], K)
    assert all(re.fullmatch(form, code) for code in drawn(grammar))


def test_alternatives_keep_their_shares() -> None:
    grammar = learn([f"A{i}" for i in range(300)] + [f"{i}-B" for i in range(100)], K)
    counts = Counter(code[0] == "A" for code in drawn(grammar, 4000))
    assert counts[True] / 4000 == pytest.approx(0.75, abs=0.05)


def test_a_sequence_is_continued_as_one() -> None:
    codes = unique(learn([f"C{i:04d}" for i in range(1, 300)], K), 1000)
    assert codes == [f"C{i:04d}" for i in range(1, 1001)]


def test_uuids_are_recognised() -> None:
    grammar = learn(["D8227D25-B547-47D7-9E8D-60D24F6A3F37"] * 3, K)
    assert grammar.patterns[0].tokens[0].kind is TokenKind.UUID
    assert all(code == code.upper() and len(code) == 36 for code in drawn(grammar, 10))


def test_rare_forms_and_rare_words_are_dropped() -> None:
    grammar = learn([f"A{i}" for i in range(100)] + ["secret/word"], K)
    assert not any("secret" in code or "/" in code for code in drawn(grammar, 3000))


def test_one_entitys_form_is_not_a_form_of_k() -> None:
    strings = ["X-1"] * 50 + [f"{i}" for i in range(100, 150)]
    entities = np.array([0] * 50 + list(range(1, 51)))
    assert not any(code.startswith("X") for code in drawn(learn(strings, K, entities)))


def test_unique_codes_widen_before_they_are_refused() -> None:
    grammar = learn([f"A{i}" for i in range(10, 60)], K)
    assert len(set(unique(grammar, 20_000, 8))) == 20_000
    with pytest.raises(PlanError, match="1 characters can hold 62 values"):
        unique(grammar, 100, 1)


def test_nothing_is_learned_from_nothing() -> None:
    assert learn([], K).patterns == ()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=50), st.integers(0, 300), st.integers(3, 16))
def test_draws_are_unique_and_fit_whatever_the_source(source: list[str], n: int, length: int) -> None:
    grammar = learn(source, K)
    codes = unique(grammar, n, length)
    assert len(set(codes)) == n
    assert all(len(code) <= length for code in codes)
    assert codes == unique(grammar, n, length)
    assert len(drawn(grammar, 20)) == 20


def test_of_codes_that_too_few_entities_have_the_format_is_kept_and_no_character() -> None:
    values = [f"Q{'XZ'[i % 2]}-{700_000 + i}" for i in range(60)]
    grammar = learn(values, k=5, entities=np.arange(60) % 3)
    drawn = grammar.draw(200, np.random.default_rng(0)).to_pylist()
    assert all(re.fullmatch(r"[A-Z]{2}-[0-9]{6}", text) for text in drawn)
    assert len({text[0] for text in drawn}) > 10
    assert len({text[3] for text in drawn}) == 10
