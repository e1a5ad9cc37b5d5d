"""What a parent says of its children is true in the clone, also of children that a condition has changed."""

import random
import sqlite3
from pathlib import Path

from dbclone.archive import load
from dbclone.cloning import fit_model
from dbclone.engines.forest import ForestModel
from dbclone.engines.forest_exchange import exchangeable_totals
from dbclone.options import CloneOptions
from dbclone.progress import Silent
from tests.commands import dbclone
from tests.hand_made import build

SQL = """CREATE TABLE shop (id INTEGER PRIMARY KEY, city TEXT NOT NULL, allowed INTEGER NOT NULL);
CREATE TABLE box (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL REFERENCES shop, least INTEGER NOT NULL,
heaviest INTEGER NOT NULL, CHECK (heaviest >= least));
CREATE TABLE thing (id INTEGER PRIMARY KEY, box_id INTEGER NOT NULL REFERENCES box, weight INTEGER NOT NULL);"""


def test_totals_count_rows_that_a_condition_on_their_own_totals_has_changed(tmp_path: Path) -> None:
    rng, shops, boxes, things = random.Random(4), [], [], []
    for shop in range(1, 81):
        mine = []
        for _ in range(rng.randint(3, 9)):
            weights = [rng.randint(1, 400) for _ in range(rng.randint(1, 4))]
            box = len(boxes) + 1
            mine.append(rng.randint(1, max(weights)))
            boxes.append((box, shop, mine[-1], max(weights)))
            things += [(None, box, weight) for weight in weights]
        shops.append((shop, rng.choice(["Bern", "Basel", "Chur"]), sum(mine)))
    source = build(tmp_path / "real.sqlite", SQL, {"shop": shops, "box": boxes, "thing": things})
    assert dbclone("copy", source, tmp_path / "clone.sqlite", "--quiet").code == 0
    clone = sqlite3.connect(tmp_path / "clone.sqlite")
    told = "SELECT coalesce(sum(least), 0) FROM box WHERE shop_id = shop.id"
    assert clone.execute(f"SELECT count(*) FROM shop WHERE allowed <> ({told})").fetchone() == (0,)
    assert clone.execute("SELECT count(*) FROM box WHERE heaviest < least").fetchone() == (0,)
    assert clone.execute("SELECT count(*) FROM shop").fetchone() == (80,)


BOOKS = """CREATE TABLE book (id INTEGER PRIMARY KEY, price INTEGER NOT NULL);
CREATE TABLE client (id INTEGER PRIMARY KEY, city TEXT NOT NULL);
CREATE TABLE bill (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL REFERENCES client, total INTEGER NOT NULL);
CREATE TABLE line (id INTEGER PRIMARY KEY, bill_id INTEGER NOT NULL REFERENCES bill,
book_id INTEGER NOT NULL REFERENCES book, price INTEGER NOT NULL{});"""
RARE = "SELECT total FROM bill GROUP BY total HAVING count(DISTINCT client_id) < 5"


def _bills(path: Path, more: str) -> Path:
    """Bills of a few books; one in ten books costs something of its own, so that many totals are one client's."""
    rng = random.Random(6)
    books = [(i, (900, 1200, 1500)[i % 3] if i % 10 else 900 + 7 * i) for i in range(1, 201)]
    bills, lines = [], []
    for bill in range(1, 601):
        bought = rng.sample(books, rng.choice([1, 1, 2, 3, 5]))
        bills.append((bill, rng.randint(1, 100), sum(price for _, price in bought)))
        lines += [(None, bill, book, price) for book, price in bought]
    clients = [(i, rng.choice(["Bern", "Basel", "Chur"])) for i in range(1, 101)]
    return build(path, BOOKS.format(more), {"book": books, "client": clients, "bill": bills, "line": lines})


def _cloned(tmp_path: Path, more: str = "") -> tuple[set[int], list[int]]:
    """The source's rare totals, and the totals of a clone in which all are the sums of their lines."""
    source = _bills(tmp_path / "real.sqlite", more)
    assert dbclone("copy", source, tmp_path / "clone.sqlite", "--quiet").code == 0
    with sqlite3.connect(source) as real, sqlite3.connect(tmp_path / "clone.sqlite") as clone:
        told = "SELECT coalesce(sum(price), 0) FROM line WHERE bill_id = bill.id"
        assert clone.execute(f"SELECT count(*) FROM bill WHERE total <> ({told})").fetchone() == (0,)
        strange = "SELECT count(*) FROM line JOIN book ON book.id = book_id WHERE line.price <> book.price"
        assert clone.execute(strange).fetchone() == (0,)
        return {n for (n,) in real.execute(RARE)}, [n for (n,) in clone.execute("SELECT total FROM bill")]


def test_no_total_of_fewer_than_five_clients_stands_in_the_clone(tmp_path: Path) -> None:
    rare, totals = _cloned(tmp_path)
    assert len(rare) > 100
    assert not rare & set(totals)
    assert len(set(totals)) > 5, "not all are what the cheapest books come to"


def test_which_lines_may_be_anothers_bills(tmp_path: Path) -> None:
    """A book comes with its price.  Where the bill holds each book once, or has a say in the price, none may."""
    assert _exchangeable(tmp_path / "free", "") == {"book_id", "price"}
    assert not _exchangeable(tmp_path / "once", ", UNIQUE (bill_id, book_id)")
    assert not _exchangeable(tmp_path / "told", ", CHECK (price < 10000 + bill_id)")


def _exchangeable(folder: Path, more: str) -> frozenset[str]:
    folder.mkdir()
    file = folder / "model"
    fit_model(str(_bills(folder / "real.sqlite", more)), file, CloneOptions(), Silent())
    model = load(file)
    assert isinstance(model, ForestModel)
    found = [exchangeable_totals(model.plan, model.tables, table) for table in model.tables]
    return frozenset().union(*(columns for some in found for _, columns in some))
