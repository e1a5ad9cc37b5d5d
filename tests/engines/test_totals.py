"""What a parent says of its children is true in the clone, also of children that a condition has changed."""

import random
import sqlite3
from pathlib import Path

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
