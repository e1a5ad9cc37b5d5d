"""Numbers that the source keeps as text go together with other columns in a clone, and look as they did."""

import random
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.commands import dbclone
from tests.hand_made import build

N, RIDERS = 2_000, 100
SQL = """CREATE TABLE rider (id INTEGER PRIMARY KEY, prize TEXT);
CREATE TABLE lap (id INTEGER PRIMARY KEY, rider INTEGER NOT NULL REFERENCES rider (id), watts INTEGER NOT NULL,
time VARCHAR(8) NOT NULL CHECK (time LIKE '_:__.___'), milliseconds INTEGER, sprint TEXT NOT NULL, mass TEXT,
net TEXT, tax TEXT, gross TEXT, tag VARCHAR(9), note TEXT)"""
FORMS = {
    "time": r"\d:[0-5]\d\.\d{3}", "sprint": r"|\d+\.\d{2}", "mass": r"\d+\.\d kg", "tag": r"[A-Z]{2}-\d{5}",
    "net": r"\d{1,3}(\.\d{3})*,\d{2} €", "tax": r"\d{1,3}(\.\d{3})*,\d{2} €", "gross": r"\d{1,3}(\.\d{3})*,\d{2} €",
}  # fmt: skip


def euros(cents: int) -> str:
    return f"{cents / 100:,.2f} €".translate(str.maketrans(",.", ".,"))


def number(text: str) -> float:
    """Of '1:27.601', '1.234,50 €' and '80.5 kg'."""
    plain = text.replace(".", "").replace(",", ".") if "€" in text else text
    value = 0.0
    for part in re.sub(r"[^\d.:]", "", plain).split(":"):
        value = 60 * value + float(part)
    return value


def rows() -> Iterator[tuple[object, ...]]:
    rng = random.Random(4)
    for i in range(N):
        watts = rng.randint(200, 400)
        time = round(150_000 - 200 * watts + rng.gauss(0, 3_000))
        sprint = f"{30 - watts / 20 + rng.gauss(0, 0.7):.2f}" if rng.random() < 0.6 else ""
        net = round(rng.lognormvariate(10, 0.8))
        money = net, round(0.2 * net), net + round(0.2 * net)
        clock = f"{time // 60_000}:{time % 60_000 / 1_000:06.3f}"
        yield (
            i + 1, i % RIDERS + 1, watts, clock, time, sprint, f"{60 + watts / 10 + rng.gauss(0, 2):.1f} kg",
            *map(euros, money), f"{rng.choice('AB')}X-{rng.randint(0, 99_999):05d}",
            f"lap {rng.randint(1, 900)} of {i}",
        )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source, its model and a clone."""
    there = tmp_path_factory.mktemp("written")
    laps = list(rows())
    won: dict[int, int] = dict.fromkeys(range(1, RIDERS + 1), 0)
    for lap in laps:
        won[int(str(lap[1]))] += round(100 * number(str(lap[7])))
    riders = [(rider, f"${cents / 100:,.2f}") for rider, cents in won.items()]
    source = build(there / "source.sqlite", SQL, {"rider": riders, "lap": laps})
    assert dbclone("fit", source, "-o", there / "laps.model", "--quiet").code == 0
    assert dbclone("generate", there / "laps.model", there / "clone.sqlite", "--quiet").code == 0
    return there


def column(database: Path, name: str) -> list[str]:
    return [text for (text,) in sqlite3.connect(database).execute(f"SELECT {name} FROM lap ORDER BY id")]


def correlation(database: Path, name: str) -> float:
    found = sqlite3.connect(database).execute(f"SELECT watts, {name} FROM lap WHERE {name} <> ''").fetchall()
    return float(np.corrcoef([watts for watts, _ in found], [number(text) for _, text in found])[0, 1])


@pytest.mark.parametrize("name", ["time", "sprint", "mass"])
def test_what_goes_together_does_so_in_the_clone(folder: Path, name: str) -> None:
    there, here = correlation(folder / "source.sqlite", name), correlation(folder / "clone.sqlite", name)
    assert abs(there) > 0.8
    assert here == pytest.approx(there, abs=0.08)


@pytest.mark.parametrize("name", FORMS)
def test_every_text_has_the_form_of_the_source(folder: Path, name: str) -> None:
    texts = column(folder / "clone.sqlite", name)
    assert len(texts) > 0.9 * N
    assert all(re.fullmatch(FORMS[name], text) for text in texts)


def test_what_is_computed_stays_so(folder: Path) -> None:
    clone = folder / "clone.sqlite"
    cents = [[round(100 * number(text)) for text in column(clone, name)] for name in ("net", "tax", "gross")]
    assert all(net + tax == gross for net, tax, gross in zip(*cents, strict=True))
    times = zip(column(clone, "time"), column(clone, "milliseconds"), strict=True)
    assert all(round(1_000 * number(text)) == milliseconds for text, milliseconds in times)


def test_a_total_over_children_is_written_as_text(folder: Path) -> None:
    clone = sqlite3.connect(folder / "clone.sqlite")
    won: dict[int, int] = {}
    for rider, net in clone.execute("SELECT rider, net FROM lap"):
        won[rider] = won.get(rider, 0) + round(100 * number(net))
    riders = clone.execute("SELECT id, prize FROM rider").fetchall()
    assert [prize for _, prize in riders] == [f"${won.get(rider, 0) / 100:,.2f}" for rider, _ in riders]


def test_what_says_that_there_is_none_does_so_as_often(folder: Path) -> None:
    there, here = (column(folder / name, "sprint").count("") for name in ("source.sqlite", "clone.sqlite"))
    assert here == pytest.approx(there, rel=0.15)


def test_no_number_of_fewer_than_five_riders_comes_again(folder: Path) -> None:
    holders: dict[str, set[int]] = {}
    for rider, text in sqlite3.connect(folder / "source.sqlite").execute("SELECT rider, net FROM lap"):
        holders.setdefault(text, set()).add(rider)
    rare = {text for text, riders in holders.items() if len(riders) < 5}
    assert len(rare) > 0.9 * N
    assert not rare & {*column(folder / "clone.sqlite", "net")}


def test_plan_and_model_say_so(folder: Path) -> None:
    planned = dbclone("plan", folder / "source.sqlite").out
    assert planned.count("written number") == 7, "codes and notes are none"
    assert "m:ss.fff" in planned
    assert " kg to " in dbclone("model", "show", folder / "laps.model").out


@pytest.mark.parametrize("target", ["clone.duckdb", "again.sqlite"])
def test_it_does_not_matter_where_to(folder: Path, target: str) -> None:
    pytest.importorskip("duckdb")
    assert dbclone("generate", folder / "laps.model", folder / target, "--quiet", "--scale", "0.2").code == 0
