"""Which of the facts planted in the examples survive a clone.  How well is said in their facts.toml."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from dbclone import examples
from dbclone.cloning import clone
from dbclone.options import CloneOptions, FitOptions, GenerateOptions
from dbclone.progress import Silent
from tests.unkept_facts import NOT_YET

NAMES = ("bank", "clinic", "shop")


def measure_clone(name: str, folder: Path) -> Mapping[str, float]:
    """Build the example, clone it from SQLite to SQLite, and take every fact's number in the clone (NaN: no rows)."""
    source, target = folder / f"{name}.sqlite", folder / f"{name}-clone.sqlite"
    examples.build_sqlite(name, source)
    options = CloneOptions(fit=FitOptions(seed=1), generate=GenerateOptions(seed=1))
    clone(str(source), str(target), options, Silent())
    with closing(sqlite3.connect(target)) as database:
        rows = {fact.id: database.execute(fact.sqlite).fetchone()[0] for fact in examples.facts(name)}
    return {identifier: float("nan") if value is None else float(value) for identifier, value in rows.items()}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Mapping[str, float]]:
    """The numbers in a clone of the example of that name; each is cloned once."""
    return cache(lambda name: measure_clone(name, tmp_path_factory.mktemp(name)))


def cases() -> Iterator[object]:
    for name in NAMES:
        for fact in examples.facts(name):
            unkept = fact.id in NOT_YET[name]
            marks = [pytest.mark.xfail(reason=fact.sentence, raises=AssertionError, strict=False)] if unkept else []
            yield pytest.param(name, fact, id=f"{name}-{fact.id}", marks=marks)


@pytest.mark.parametrize(("example", "fact"), cases())
def test_a_clone_keeps(measured: Callable[[str], Mapping[str, float]], example: str, fact: examples.Fact) -> None:
    value = measured(example)[fact.id]
    wanted = "no violation" if fact.hard else f"{fact.expected} ± {fact.retained} (lost: {fact.lost})"
    assert fact.holds_in_clone(value), f"{fact.sentence}  Found {value:.6g}, wanted {wanted}"


@pytest.mark.parametrize("name", NAMES)
def test_facts_not_kept_yet_are_facts(name: str) -> None:
    assert NOT_YET[name] <= {fact.id for fact in examples.facts(name)}
