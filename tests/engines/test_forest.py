"""The default engine on small databases of every shape: sizes, structure, and the facts that were planted in them.

Every clone is proved by ``clone`` itself, which fails if any key, reference or NOT NULL is broken.  Tolerances are four
standard errors of the statistic at the size of the data, real and synthetic together, unless said otherwise.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from dbclone.cloning import clone
from dbclone.errors import DbcloneError
from dbclone.options import CloneOptions, FitOptions, GenerateOptions
from dbclone.progress import Silent
from tests.hand_made import Rows, build

Cells = list[tuple]
Clone = Callable[..., "Copy"]


class Copy:
    """A clone, queried in SQL."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self, sql: str) -> Cells:
        with sqlite3.connect(self.path) as db:
            return db.execute(sql).fetchall()

    def column(self, sql: str) -> np.ndarray:
        return np.array([row[0] for row in self.rows(sql)])

    def columns(self, sql: str) -> np.ndarray:
        """float64[columns, rows]"""
        return np.array(self.rows(sql), dtype=float).T

    def one(self, sql: str) -> object:
        return self.rows(sql)[0][0]

    def size(self, table: str) -> int:
        return int(self.rows(f'SELECT count(*) FROM "{table}"')[0][0])


@pytest.fixture
def make(tmp_path: Path) -> Clone:
    """Build a database of tables and rows, and clone it."""
    built: dict[str, Path] = {}
    count = iter(range(100))

    def run(sql: str, data: Rows, **generate: object) -> Copy:
        workers, k = int(generate.pop("workers", 0)), int(generate.pop("k", 5))  # type: ignore[call-overload]
        if sql not in built:
            built[sql] = build(tmp_path / f"source{len(built)}.sqlite", sql, data)
        target = tmp_path / f"target{next(count)}.sqlite"
        options = CloneOptions(fit=FitOptions(workers=workers, k=k), generate=GenerateOptions(**generate))  # type: ignore[arg-type]
        clone(str(built[sql]), str(target), options, Silent())
        return Copy(target)

    return run


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def error(r: float, n: int) -> float:
    """Four standard errors of the difference of two correlations over n independent rows each."""
    return 4 * float(np.sqrt(2 * (1 - r**2) ** 2 / n))


# A parent with children of which each number follows the parent's, and grandchildren that follow the grandparent.

FAMILY = """
CREATE TABLE town (id INTEGER PRIMARY KEY, wealth REAL NOT NULL, coast TEXT NOT NULL);
CREATE TABLE house (id INTEGER PRIMARY KEY, town INTEGER NOT NULL REFERENCES town, price REAL, heated TEXT NOT NULL);
CREATE TABLE bill (
    id INTEGER PRIMARY KEY, house INTEGER NOT NULL REFERENCES house, amount REAL NOT NULL, boat TEXT NOT NULL);
"""
TOWNS, HOUSES, BILLS = 400, 5, 2


def family(seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    towns, houses, bills = [], [], []
    for t in range(1, TOWNS + 1):
        wealth, coast = rng.normal(), rng.random() < 0.4
        towns.append((t, round(float(wealth), 3), "coast" if coast else "inland"))
        for _ in range(int(rng.poisson(HOUSES))):
            price = 0.7 * wealth + np.sqrt(1 - 0.49) * rng.normal()
            houses.append((len(houses) + 1, t, round(float(price), 3), rng.choice(["gas", "oil", "wood"])))
            for _ in range(int(rng.poisson(BILLS))):
                boat = rng.random() < (0.8 if coast else 0.1)
                amount = float(np.round(50 + 10 * price + 5 * rng.normal(), 2))
                bills.append((len(bills) + 1, len(houses), amount, "boat" if boat else "none"))
    return {"town": towns, "house": houses, "bill": bills}


def contents(copy: Copy, tables: Sequence[str]) -> list[Cells]:
    return [copy.rows(f"SELECT * FROM {table}") for table in tables]


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_workers(make: Clone) -> None:
    rows = family()
    first, again = make(FAMILY, rows, seed=5, workers=1), make(FAMILY, rows, seed=5, workers=2)
    assert contents(first, list(rows)) == contents(again, list(rows))
    assert first.path.read_bytes() == again.path.read_bytes()


def test_another_seed_gives_other_rows(make: Clone) -> None:
    rows = family()
    first, other = make(FAMILY, rows, seed=5), make(FAMILY, rows, seed=6)
    assert contents(first, ["town"]) != contents(other, ["town"])
    assert contents(first, ["bill"]) != contents(other, ["bill"])


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_tables_have_the_size_that_the_scale_asks_for(make: Clone, scale: float) -> None:
    rows = family()
    copy = make(FAMILY, rows, scale=scale)
    for table, real in rows.items():
        assert copy.size(table) == pytest.approx(scale * len(real), rel=0.1), table


def test_a_table_has_the_number_of_rows_that_is_asked_for(make: Clone) -> None:
    rows = family()
    copy = make(FAMILY, rows, rows=(("house", 700),))
    assert copy.size("town") == TOWNS
    assert copy.size("house") == pytest.approx(700, rel=0.1)


def test_none_of_the_rows_asked_for_is_none(make: Clone) -> None:
    copy = make(FAMILY, family(), rows=(("bill", 0),))
    assert copy.size("bill") == 0


def not_yet(reason: str) -> pytest.MarkDecorator:
    """A fact that the engine does not keep within the tolerance yet."""
    return pytest.mark.xfail(reason=reason, raises=AssertionError, strict=False)


@not_yet("the type of a town is clustered from the very houses that it is to foretell, and hides the town's wealth")
def test_a_child_follows_its_parent(make: Clone) -> None:
    """Correlation 0.7 over 2,000 houses of 400 towns; with 5 alike in a town, 400 independent ones at worst."""
    copy = make(FAMILY, family())
    wealth, price = copy.columns("SELECT t.wealth, h.price FROM house h JOIN town t ON t.id = h.town")
    assert correlation(wealth, price) == pytest.approx(0.7, abs=error(0.7, TOWNS))


def test_a_grandchild_follows_its_grandparent(make: Clone) -> None:
    """Of the bills on the coast 80% name a boat, of the others 10%: 1,600 and 2,400 bills, ± 4 · √(2 · p(1 − p)/n)."""
    copy = make(FAMILY, family())
    share = dict(
        copy.rows(
            "SELECT t.coast, avg(b.boat = 'boat') FROM bill b JOIN house h ON h.id = b.house"
            " JOIN town t ON t.id = h.town GROUP BY t.coast"
        )
    )
    assert share["coast"] == pytest.approx(0.8, abs=4 * np.sqrt(2 * 0.16 / 1_600))
    assert share["inland"] == pytest.approx(0.1, abs=4 * np.sqrt(2 * 0.09 / 2_400))


def test_counts_of_children_have_the_distribution_of_the_source(make: Clone) -> None:
    """Poisson(5) over 400 towns: mean ± 4 · √(2 · 5/400), variance ± 4 · √(2 · (5 + 2 · 25)/400)."""
    copy = make(FAMILY, family())
    counts = copy.column("SELECT count(h.id) FROM town t LEFT JOIN house h ON h.town = t.id GROUP BY t.id")
    assert counts.mean() == pytest.approx(5, abs=0.63)
    assert counts.var() == pytest.approx(5, abs=2.1)


PARCELS = """
CREATE TABLE buyer (id INTEGER PRIMARY KEY, since INTEGER NOT NULL);
CREATE TABLE parcel (id INTEGER PRIMARY KEY, buyer INTEGER NOT NULL REFERENCES buyer, weight INTEGER NOT NULL);
"""


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_children_that_come_in_pairs_do_so_however_the_table_s_size_is_met(make: Clone, scale: float) -> None:
    """Pairs by a heavy-tailed number: the drawn sum misses the wished one, which must not cost the pairs."""
    rng = np.random.default_rng(5)
    pairs = np.ceil(rng.lognormal(0.5, 1.2, 300)).astype(int)
    parcels = [(i, b) for b, n in enumerate(pairs, 1) for i in range(2 * n)]
    rows: Rows = {
        "buyer": [(b, int(rng.integers(1990, 2020))) for b in range(1, 301)],
        "parcel": [(i, b, int(rng.integers(1, 30))) for i, (_, b) in enumerate(parcels)],
    }
    copy = make(PARCELS, rows, scale=scale)
    assert copy.size("parcel") == pytest.approx(len(parcels) * scale, rel=0.03)
    odd = copy.one("SELECT avg(n % 2) FROM (SELECT count(*) AS n FROM parcel GROUP BY buyer)")
    assert odd < 0.1


def test_no_row_of_a_continuum_comes_back(make: Clone) -> None:
    """Three digits of two normal numbers: that any of 2,000 pairs meets a real one has expectation < 1."""
    rows = family()
    copy = make(FAMILY, rows)
    real = {(t[1], h[2]) for h in rows["house"] for t in [rows["town"][h[1] - 1]]}
    made = copy.rows("SELECT t.wealth, h.price FROM house h JOIN town t ON t.id = h.town")
    assert sum(pair in real for pair in made) <= 5


# Two parents of one row.

TWO_PARENTS = """
CREATE TABLE reader (id INTEGER PRIMARY KEY, taste TEXT NOT NULL);
CREATE TABLE book (id INTEGER PRIMARY KEY, genre TEXT NOT NULL, pages INTEGER NOT NULL);
CREATE TABLE loan (
    reader INTEGER NOT NULL REFERENCES reader, book INTEGER NOT NULL REFERENCES book, stars INTEGER NOT NULL,
    PRIMARY KEY (reader, book));
"""


def loans() -> Rows:
    """400 readers of two tastes borrow 12 of 200 books each, 80% in their own genre, where they give more stars."""
    rng = np.random.default_rng(1)
    readers = [(i, "crime" if i % 2 else "poetry") for i in range(1, 401)]
    books = [(i, "crime" if i <= 100 else "poetry", int(rng.integers(80, 900))) for i in range(1, 201)]
    rows = []
    for reader, taste in readers:
        chosen: set[int] = set()
        while len(chosen) < 12:
            own = rng.random() < 0.8
            popular = int(100 * rng.random() ** 2) + 1
            book = popular if (taste == "crime") == own else popular + 100
            if book not in chosen:
                chosen.add(book)
                liked = books[book - 1][1] == taste
                rows.append((reader, book, int(rng.integers(3, 6) if liked else rng.integers(1, 4))))
    return {"reader": readers, "book": books, "loan": rows}


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_pairs_of_a_link_table_are_unique_at_any_scale(make: Clone, scale: float) -> None:
    rows = loans()
    copy = make(TWO_PARENTS, rows, scale=scale)
    assert copy.size("loan") == pytest.approx(scale * len(rows["loan"]), rel=0.1)
    assert copy.one("SELECT count(*) FROM (SELECT DISTINCT reader, book FROM loan)") == copy.size("loan")


def test_what_two_parents_of_a_row_are_to_each_other_is_kept(make: Clone) -> None:
    """80% of 4,800 loans in the reader's own genre; with 12 alike per reader ± 4 · √(2 · 0.16/400)."""
    copy = make(TWO_PARENTS, loans())
    own = copy.one(
        "SELECT avg(r.taste = b.genre) FROM loan l JOIN reader r ON r.id = l.reader JOIN book b ON b.id = l.book"
    )
    assert own == pytest.approx(0.8, abs=4 * np.sqrt(2 * 0.16 / 400))


@not_yet("greedy splits do not see two features that tell nothing alone")
def test_a_row_depends_on_what_its_parents_are_to_each_other(make: Clone) -> None:
    """Own genre 4 stars on average, other 2: ± 4 · √(2 · 0.67/1,000)."""
    copy = make(TWO_PARENTS, loans())
    stars = dict(
        copy.rows(
            "SELECT r.taste = b.genre, avg(l.stars) FROM loan l JOIN reader r ON r.id = l.reader"
            " JOIN book b ON b.id = l.book GROUP BY 1"
        )
    )
    assert stars[1] == pytest.approx(4, abs=0.15)
    assert stars[0] == pytest.approx(2, abs=0.15)


RATINGS = """
CREATE TABLE critic (id INTEGER PRIMARY KEY, mood TEXT NOT NULL);
CREATE TABLE film (id INTEGER PRIMARY KEY, budget TEXT NOT NULL);
CREATE TABLE rating (
    critic INTEGER NOT NULL REFERENCES critic, film INTEGER NOT NULL REFERENCES film, points INTEGER NOT NULL,
    PRIMARY KEY (critic, film));
"""


def test_a_row_depends_on_both_of_its_parents(make: Clone) -> None:
    """Of 20 points 4 for a mild critic, 6 for a high budget; 3,000 ratings, the effects ± 4 · 2 · √(2 · 8/3,000)."""
    rng = np.random.default_rng(12)
    critics = [(i, "mild" if i % 2 else "harsh") for i in range(1, 301)]
    films = [(i, "high" if i % 3 else "low") for i in range(1, 121)]
    rows = []
    for critic, mood in critics:
        for film in sorted(rng.choice(120, 10, replace=False) + 1):
            points = 4 * (mood == "mild") + 6 * (film % 3 > 0) + int(rng.integers(0, 10))
            rows.append((critic, int(film), int(points)))
    copy = make(RATINGS, {"critic": critics, "film": films, "rating": rows})
    mean = {
        (mood, budget): value
        for mood, budget, value in copy.rows(
            "SELECT c.mood, f.budget, avg(r.points) FROM rating r JOIN critic c ON c.id = r.critic"
            " JOIN film f ON f.id = r.film GROUP BY 1, 2"
        )
    }
    mild, high = (
        (mean["mild", "high"] + mean["mild", "low"] - mean["harsh", "high"] - mean["harsh", "low"]) / 2,
        (mean["mild", "high"] + mean["harsh", "high"] - mean["mild", "low"] - mean["harsh", "low"]) / 2,
    )
    assert mild == pytest.approx(4, abs=8 * np.sqrt(2 * 8.25 / 3_000))
    assert high == pytest.approx(6, abs=8 * np.sqrt(2 * 8.25 / 3_000))


def test_the_degrees_of_a_further_parent_are_kept(make: Clone) -> None:
    """Popular books stay popular: quartiles of loans per book within 4 standard errors of a quartile of 200 counts."""
    rows = loans()
    copy = make(TWO_PARENTS, rows)
    per_book = Counter(book for _, book, _ in rows["loan"])
    real = np.array([per_book[i] for i in range(1, 201)])
    made = copy.column("SELECT count(l.book) FROM book b LEFT JOIN loan l ON l.book = b.id GROUP BY b.id")
    for quantile in (0.25, 0.5, 0.75):
        low, high = (np.quantile(real, np.clip(quantile + shift, 0, 1)) for shift in (-0.17, 0.17))
        assert low <= np.quantile(made, quantile) <= high


# Siblings in order.

READINGS = """
CREATE TABLE meter (id INTEGER PRIMARY KEY, kind TEXT NOT NULL);
CREATE TABLE reading (
    meter INTEGER NOT NULL REFERENCES meter, day DATE NOT NULL, level INTEGER NOT NULL, PRIMARY KEY (meter, day));
"""


def readings() -> Rows:
    """120 meters, read every day for 20 to 40 days; the level is a random walk."""
    rng = np.random.default_rng(2)
    meters, rows = [], []
    for meter in range(1, 121):
        meters.append((meter, "water" if meter % 3 else "gas"))
        first, level = np.datetime64("2023-01-01") + int(rng.integers(0, 200)), int(rng.integers(0, 1_000))
        for i in range(int(rng.integers(20, 41))):
            rows.append((meter, str(first + i), level))
            level += int(rng.integers(-3, 4))
    return {"meter": meters, "reading": rows}


def test_a_daily_panel_comes_back_without_gaps(make: Clone) -> None:
    copy = make(READINGS, readings())
    gaps = copy.column(
        "SELECT julianday(day) - julianday(lag(day) OVER (PARTITION BY meter ORDER BY day)) FROM reading"
    )
    assert set(gaps[gaps != None].tolist()) == {1.0}  # noqa: E711 - elementwise


@not_yet("on a grid of 64 cells a step of 3 is no narrower than the distance from the parent's mean")
def test_each_sibling_starts_from_the_one_before(make: Clone) -> None:
    """Steps are −3 … 3; the variance of a step is 4, of a pair of unrelated levels 166,000."""
    copy = make(READINGS, readings())
    steps = copy.column("SELECT level - lag(level) OVER (PARTITION BY meter ORDER BY day) FROM reading")
    steps = steps[steps != None].astype(float)  # noqa: E711 - elementwise
    assert np.abs(steps).max() <= 3
    assert steps.var() == pytest.approx(4, abs=4 * np.sqrt(2 * (9 * 49 / 12 - 16) / len(steps)) + 0.2)


STATES = """
CREATE TABLE parcel (id INTEGER PRIMARY KEY, express TEXT NOT NULL);
CREATE TABLE event (
    parcel INTEGER NOT NULL REFERENCES parcel, number INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (parcel, number));
"""


def states() -> Rows:
    rng = np.random.default_rng(3)
    parcels = [(i, "yes" if i % 4 == 0 else "no") for i in range(1, 501)]
    rows: list[tuple[int, int, str]] = []
    for parcel, _ in parcels:
        end = ["lost"] if rng.random() < 0.1 else ["tried", "received"]
        chain = ["sent", *["moved"] * int(rng.integers(0, 4)), *end]
        rows += [(parcel, i, state) for i, state in enumerate(chain, start=1)]
    return {"parcel": parcels, "event": rows}


def test_siblings_are_numbered_without_gaps(make: Clone) -> None:
    copy = make(STATES, states())
    assert copy.one("SELECT count(*) FROM (SELECT 1 FROM event GROUP BY parcel HAVING max(number) <> count(*))") == 0
    assert copy.one("SELECT min(number) FROM event") == 1


def test_states_follow_each_other_as_in_the_source(make: Clone) -> None:
    """Shrinkage may let a draw stray: at most one in a hundred steps may be one that the source does not know."""
    rows = states()
    copy = make(STATES, rows)
    sql = "SELECT lag(state) OVER (PARTITION BY parcel ORDER BY number) || '>' || state FROM event"
    real = set(Copy(copy.path.with_name("source0.sqlite")).column(sql).tolist())
    made = [step for step in copy.column(sql).tolist() if step is not None]
    assert np.mean([step not in real for step in made]) <= 0.01
    assert copy.one("SELECT avg(state = 'sent') FROM event WHERE number = 1") == 1


TESTS = """
CREATE TABLE patient (id INTEGER PRIMARY KEY, ward TEXT NOT NULL);
CREATE TABLE result (
    id INTEGER PRIMARY KEY, patient INTEGER NOT NULL REFERENCES patient, test TEXT NOT NULL, value INTEGER NOT NULL);
"""


def results() -> Rows:
    """Of each patient weight, height and pulse again and again, in mixed order: a level of its own per test."""
    rng = np.random.default_rng(4)
    patients = [(i, str(rng.choice(["north", "south"]))) for i in range(1, 251)]
    rows = []
    for patient, _ in patients:
        level = {"weight": int(rng.integers(500, 1_100)), "height": int(rng.integers(1_500, 2_000)), "pulse": 70}
        for _ in range(int(rng.integers(6, 16))):
            test = str(rng.choice(list(level)))
            spread = 12 if test == "pulse" else 5
            rows.append((len(rows) + 1, patient, test, level[test] + int(rng.integers(-spread, spread + 1))))
    return {"patient": patients, "result": rows}


def test_a_measurement_remembers_the_last_one_of_its_kind(make: Clone) -> None:
    """Two weights of one patient differ by at most 10; of two patients by 200 on average.

    Unprotected: protected numbers step aside from those that few patients have.
    """
    copy = make(TESTS, results(), k=0)
    for test, most in (("weight", 10), ("height", 10), ("pulse", 24)):
        steps = copy.column(
            f"SELECT value - lag(value) OVER (PARTITION BY patient ORDER BY id) FROM result WHERE test = '{test}'"
        )
        steps = np.abs(steps[steps != None].astype(float))  # noqa: E711 - elementwise
        assert np.mean(steps <= most) > 0.95, test


def test_kinds_keep_their_own_ranges(make: Clone) -> None:
    """Draws from above small leaves may stray: one in twenty."""
    copy = make(TESTS, results())
    assert copy.one("SELECT avg(value BETWEEN 45 AND 95) FROM result WHERE test = 'pulse'") >= 0.95
    assert copy.one("SELECT avg(value BETWEEN 1400 AND 2100) FROM result WHERE test = 'height'") >= 0.95


EFFECT = """
CREATE TABLE site (id INTEGER PRIMARY KEY, label TEXT NOT NULL);
CREATE TABLE sample (id INTEGER PRIMARY KEY, site INTEGER NOT NULL REFERENCES site, value REAL NOT NULL);
"""


def test_what_the_children_of_one_parent_share_is_kept(make: Clone) -> None:
    """200 sites of 30 samples, half of the variance between them: the share's standard error is about
    2 · 0.5 · 0.5 · √(2/200) · √2/2 ≈ 0.036."""
    rng = np.random.default_rng(5)
    sites = [(i, str(rng.choice(["a", "b"]))) for i in range(1, 201)]
    effect = rng.normal(size=201)
    samples = [(30 * s + j, s, round(float(effect[s] + rng.normal()), 3)) for s, _ in sites for j in range(30)]
    copy = make(EFFECT, {"site": sites, "sample": samples})
    between, within = copy.rows(
        "WITH m AS (SELECT site, avg(value) AS mean, count(*) AS n, avg(value * value) - avg(value) * avg(value) AS v"
        " FROM sample GROUP BY site) SELECT avg(mean * mean) - avg(mean) * avg(mean), avg(v) FROM m WHERE n > 5"
    )[0]
    assert between / (between + within) == pytest.approx(0.5, abs=4 * np.sqrt(2) * 0.036)


# Exact facts.

FACTS = """
CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(8, 2) NOT NULL, taxed TEXT NOT NULL);
CREATE TABLE line (
    id INTEGER PRIMARY KEY, product INTEGER NOT NULL REFERENCES product, price DECIMAL(8, 2) NOT NULL,
    city TEXT NOT NULL, state TEXT NOT NULL, hhmm INTEGER NOT NULL, hour INTEGER NOT NULL);
"""


def facts() -> Rows:
    rng = np.random.default_rng(6)
    prices, taxed = rng.integers(100, 99_999, 80) / 100, rng.choice(["yes", "no"], 80)
    products = [(i, f"thing {i}", float(prices[i - 1]), str(taxed[i - 1])) for i in range(1, 81)]
    lines = []
    for i in range(1, 2_001):
        product, city = int(rng.integers(1, 81)), int(rng.integers(0, 40))
        hour, minute = int(rng.integers(0, 24)), int(rng.integers(0, 4)) * 15
        row = (i, product, products[product - 1][2], f"city {city}", f"state {city % 9}", 100 * hour + minute, hour)
        lines.append(row)
    return {"product": products, "line": lines}


def test_a_copy_of_the_parents_value_stays_a_copy(make: Clone) -> None:
    copy = make(FACTS, facts())
    assert copy.one("SELECT count(*) FROM line l JOIN product p ON p.id = l.product WHERE l.price <> p.price") == 0


def test_a_city_lies_in_one_state_and_in_its_own(make: Clone) -> None:
    copy = make(FACTS, facts())
    for city, state in copy.rows("SELECT DISTINCT city, state FROM line"):
        assert int(state.split()[1]) == int(city.split()[1]) % 9


def test_an_hour_goes_with_its_time(make: Clone) -> None:
    copy = make(FACTS, facts())
    assert copy.one("SELECT count(*) FROM line WHERE hour <> hhmm / 100") == 0


STORY = """
CREATE TABLE visit (id INTEGER PRIMARY KEY, began DATE NOT NULL, ward TEXT NOT NULL);
CREATE TABLE step (visit INTEGER NOT NULL REFERENCES visit, day DATE NOT NULL, pain INTEGER, PRIMARY KEY (visit, day));
CREATE TABLE bill (id INTEGER PRIMARY KEY, visit INTEGER NOT NULL REFERENCES visit, sent DATE NOT NULL);
"""


@not_yet("a parent's date that is its first child's is computed from it: other children have nothing to count from")
def test_the_dates_of_one_story_stay_together(make: Clone) -> None:
    """Bills are sent 1 to 5 days after the visit began; visits are spread over 3,000 days."""
    rng = np.random.default_rng(13)
    rows: dict[str, Cells] = {"visit": [], "step": [], "bill": []}
    for visit in range(1, 201):
        began = np.datetime64("2015-01-01") + int(rng.integers(0, 3_000))
        rows["visit"].append((visit, str(began), "NSEW"[rng.integers(4)]))
        rows["step"] += [(visit, str(began + i), int(rng.integers(0, 10))) for i in range(int(rng.integers(3, 9)))]
        rows["bill"].append((visit, visit, str(began + int(rng.integers(1, 6)))))
    copy = make(STORY, rows)
    delays = copy.column("SELECT julianday(b.sent) - julianday(v.began) FROM bill b JOIN visit v ON v.id = b.visit")
    assert np.mean((delays >= 1) & (delays <= 5)) > 0.95
    first = "SELECT count(*) FROM visit v WHERE began <> (SELECT min(day) FROM step WHERE visit = v.id)"
    assert copy.one(first) == 0


# Structure.

TREE = """
CREATE TABLE staff (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES staff, grade INTEGER NOT NULL, office TEXT);
"""
DEPTHS = """
WITH RECURSIVE d (id, depth) AS (
    SELECT id, 0 FROM staff WHERE boss IS NULL OR boss = id
    UNION ALL SELECT s.id, d.depth + 1 FROM staff s JOIN d ON s.boss = d.id WHERE s.boss <> s.id)
SELECT depth, count(*) FROM d GROUP BY depth ORDER BY depth
"""


def staff(own_root: bool) -> Rows:
    """300 people on four levels of 6, 30, 90 and 174; the grade is the level."""
    rng = np.random.default_rng(7)
    rows: list[tuple[int, int | None, int, str]] = []
    starts = [1, 7, 37, 127, 301]
    for level in range(4):
        for i in range(starts[level], starts[level + 1]):
            boss = int(rng.integers(starts[level - 1], starts[level])) if level else i if own_root else None
            rows.append((i, boss, level + 1, str(rng.choice(["ulm", "bonn"]))))
    return {"staff": rows}


@pytest.mark.parametrize("own_root", [False, True])
def test_a_tree_stays_a_tree_of_the_same_depths(make: Clone, own_root: bool) -> None:
    """Levels of 6, 30, 90 and 174 of 300: ± 4 · √(2 · n · (1 − n/300)); every row is reached, so there is no cycle."""
    copy = make(TREE, staff(own_root))
    depths = dict(copy.rows(DEPTHS))
    assert sum(depths.values()) == copy.size("staff") == 300
    assert set(depths) == {0, 1, 2, 3}
    for depth, n in enumerate((6, 30, 90, 174)):
        assert depths[depth] == pytest.approx(n, abs=4 * np.sqrt(2 * n * (1 - n / 300)))


@pytest.mark.parametrize("scale", [0.1, 3.0])
def test_a_tree_of_another_size_has_no_cycle_either(make: Clone, scale: float) -> None:
    copy = make(TREE, staff(False), scale=scale)
    assert sum(n for _, n in copy.rows(DEPTHS)) == copy.size("staff") == pytest.approx(300 * scale, rel=0.1)


def test_rows_that_point_to_themselves_do_so_in_the_clone(make: Clone) -> None:
    copy = make(TREE, staff(True))
    assert copy.one("SELECT count(*) FROM staff WHERE boss IS NULL") == 0
    assert copy.one("SELECT count(*) FROM staff WHERE boss = id") > 0


def test_a_grade_goes_with_the_level(make: Clone) -> None:
    copy = make(TREE, staff(False), k=0)
    assert copy.one("SELECT avg(b.grade = s.grade - 1) FROM staff s JOIN staff b ON b.id = s.boss") > 0.95


CYCLE = """
CREATE TABLE club (id INTEGER PRIMARY KEY, captain INTEGER REFERENCES player, founded INTEGER NOT NULL);
CREATE TABLE player (id INTEGER PRIMARY KEY, club INTEGER NOT NULL REFERENCES club, goals INTEGER NOT NULL);
"""


def clubs() -> Rows:
    rng = np.random.default_rng(8)
    clubs, players = [], []
    for club in range(1, 61):
        first = len(players) + 1
        players += [(first + i, club, int(rng.poisson(4))) for i in range(int(rng.integers(8, 15)))]
        captain = None if rng.random() < 0.2 else int(rng.integers(first, len(players) + 1))
        clubs.append((club, captain, int(rng.integers(1880, 2000))))
    return {"club": clubs, "player": players}


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_a_cycle_of_references_is_closed_again(make: Clone, scale: float) -> None:
    """20% of 60 clubs have no captain: ± 4 · √(2 · 0.16/60) at scale 1; a captain plays for the club."""
    copy = make(CYCLE, clubs(), scale=scale)
    assert copy.size("club") == round(60 * scale)
    without = copy.one("SELECT avg(captain IS NULL) FROM club")
    assert without == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 60 + 0.16 / (60 * scale)))
    strange = "SELECT count(*) FROM club c JOIN player p ON p.id = c.captain WHERE p.club <> c.id"
    assert copy.one(strange) == 0


COMPOSITE = """
CREATE TABLE hotel (chain INTEGER, number INTEGER, stars INTEGER NOT NULL, PRIMARY KEY (chain, number));
CREATE TABLE room (
    chain INTEGER, hotel INTEGER, room INTEGER, beds INTEGER NOT NULL, PRIMARY KEY (chain, hotel, room),
    FOREIGN KEY (chain, hotel) REFERENCES hotel (chain, number));
CREATE TABLE stay (
    id INTEGER PRIMARY KEY, chain INTEGER NOT NULL, hotel INTEGER NOT NULL, room INTEGER, next_hotel INTEGER,
    nights INTEGER NOT NULL,
    FOREIGN KEY (chain, hotel) REFERENCES hotel (chain, number),
    FOREIGN KEY (chain, hotel, room) REFERENCES room (chain, hotel, room),
    FOREIGN KEY (chain, next_hotel) REFERENCES hotel (chain, number));
"""


def hotels() -> Rows:
    """Keys of two and three columns; the three references of a stay share columns."""
    rng = np.random.default_rng(9)
    hotels = [(c, h, int(rng.integers(1, 6))) for c in range(1, 6) for h in range(1, 7)]
    rooms = [(c, h, r, int(rng.integers(1, 4))) for c, h, _ in hotels for r in range(1, int(rng.integers(3, 9)))]
    stays = []
    for i in range(1, 601):
        chain, hotel, room, _ = rooms[int(rng.integers(len(rooms)))]
        there, further = rng.random(2) < 0.7
        stays.append((i, chain, hotel, room if there else None, int(rng.integers(1, 7)) if further else None, i % 9))
    return {"hotel": hotels, "room": rooms, "stay": stays}


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_references_that_share_columns_agree(make: Clone, scale: float) -> None:
    """30% NULL among 600 stays: ± 4 · √(0.21/600 + 0.21/n), and 0.1 for stays whose hotel has no room to offer."""
    copy = make(COMPOSITE, hotels(), scale=scale)
    assert copy.size("stay") == pytest.approx(600 * scale, rel=0.1)
    for column in ("room", "next_hotel"):
        missing = copy.one(f"SELECT avg({column} IS NULL) FROM stay")
        assert missing == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 600 + 0.21 / (600 * scale)) + 0.1), column


OWN_TREE = """
CREATE TABLE chapter (
    book INTEGER, number INTEGER, above INTEGER, pages INTEGER NOT NULL, PRIMARY KEY (book, number),
    FOREIGN KEY (book, above) REFERENCES chapter (book, number));
"""


@pytest.mark.xfail(reason="a key column that only a self-reference uses is filled by nobody", strict=False)
def test_a_tree_within_a_composite_key_stays_within_it(make: Clone) -> None:
    rows = [(b, c, c // 2 if c > 1 else None, c % 3) for b in range(1, 31) for c in range(1, 9)]
    copy = make(OWN_TREE, {"chapter": rows})
    assert copy.size("chapter") == pytest.approx(240, rel=0.1)
    assert copy.one("SELECT avg(above IS NULL) FROM chapter") == pytest.approx(1 / 8, abs=4 * np.sqrt(2 * 0.11 / 240))


LOOSE_KEY = "CREATE TABLE t (a TEXT, b INTEGER, x INTEGER, PRIMARY KEY (a, b));"


def test_null_in_a_primary_key_of_the_source_does_not_stop_a_clone(make: Clone) -> None:
    copy = make(LOOSE_KEY, {"t": [(f"k{i % 30}", i if i % 9 else None, i % 4) for i in range(1, 201)]})
    assert copy.size("t") == pytest.approx(200, rel=0.1)


MATES = "CREATE TABLE person (id INTEGER PRIMARY KEY, mate INTEGER REFERENCES person, age INTEGER NOT NULL);"


@not_yet("of a cycle the row where it is cut finds no row above and refers to none")
def test_rows_that_refer_to_each_other_all_do_so_in_the_clone(make: Clone) -> None:
    rng = np.random.default_rng(14)
    copy = make(MATES, {"person": [(i, i + 1 if i % 2 else i - 1, int(rng.integers(18, 90))) for i in range(1, 201)]})
    assert copy.one("SELECT count(*) FROM person WHERE mate IS NULL") == 0


def test_infinities_stay_and_do_no_harm(make: Clone) -> None:
    """10% of 300: ± 4 · √(2 · 0.09/300)."""
    rows = [(i, float("inf") if i % 10 == 0 else i * 0.37, float("-inf")) for i in range(1, 301)]
    copy = make("CREATE TABLE t (id INTEGER PRIMARY KEY, x REAL NOT NULL, y REAL NOT NULL);", {"t": rows})
    assert copy.one("SELECT avg(x = 9e999) FROM t") == pytest.approx(0.1, abs=4 * np.sqrt(2 * 0.09 / 300))
    assert copy.one("SELECT max(x) FROM t WHERE x < 9e999") <= 111
    assert copy.one("SELECT count(*) FROM t WHERE y = -9e999") == 300


ONE_TO_ONE = """
CREATE TABLE car (id INTEGER PRIMARY KEY, colour TEXT NOT NULL);
CREATE TABLE papers (car INTEGER PRIMARY KEY REFERENCES car, weight INTEGER NOT NULL);
"""


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_one_to_one_stays_one_to_one(make: Clone, scale: float) -> None:
    """Red cars have papers in 9 of 10 cases, others in 4: the share is kept within 4 · √(p(1 − p)(1/n + 1/m))."""
    rng = np.random.default_rng(10)
    cars = [(i, str(rng.choice(["red", "blue"]))) for i in range(1, 601)]
    papers = [(i, int(rng.integers(700, 3_000))) for i, c in cars if rng.random() < (0.9 if c == "red" else 0.4)]
    copy = make(ONE_TO_ONE, {"car": cars, "papers": papers}, scale=scale)
    assert copy.size("papers") == pytest.approx(len(papers) * scale, rel=0.1)
    shares = dict(
        copy.rows("SELECT colour, avg(p.car IS NOT NULL) FROM car c LEFT JOIN papers p ON p.car = c.id GROUP BY 1")
    )
    spread = 4 * np.sqrt(1 / 300 + 1 / (300 * scale))
    assert shares["red"] == pytest.approx(0.9, abs=0.3 * spread)
    assert shares["blue"] == pytest.approx(0.4, abs=0.49 * spread)


PANELS = """
CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE patient (id INTEGER PRIMARY KEY, born INTEGER NOT NULL);
CREATE TABLE reading (
    id INTEGER PRIMARY KEY, patient INTEGER NOT NULL REFERENCES patient, kind INTEGER NOT NULL REFERENCES kind);
CREATE TABLE habit (id INTEGER PRIMARY KEY, patient INTEGER NOT NULL REFERENCES patient, what TEXT NOT NULL);
"""


def test_whom_no_family_meets_twice_it_does_not_in_the_clone_though_it_might(make: Clone) -> None:
    """Each patient has five of nine kinds of readings, each once; no key says so, and tables may still grow."""
    rng = np.random.default_rng(8)
    weights = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1]) / 45
    readings = [
        (5 * patient + n, patient + 1, int(kind) + 1)
        for patient in range(300)
        for n, kind in enumerate(rng.choice(9, 5, replace=False, p=weights))
    ]
    rows: Rows = {
        "kind": [(k, f"kind {k}") for k in range(1, 10)],
        "patient": [(i, int(rng.integers(1940, 2000))) for i in range(1, 301)],
        "reading": readings,
        "habit": [(i, patient, f"habit {kind}") for i, patient, kind in readings],
    }
    copy = make(PANELS, rows)
    for table, column in (("reading", "kind"), ("habit", "what")):
        repeated = f"SELECT 1 - count(DISTINCT patient || '-' || {column}) * 1.0 / count(*) FROM {table}"
        assert copy.one(repeated) < 0.06, table
    assert copy.one("SELECT count(*) FROM reading WHERE kind = 9") < copy.one("SELECT count(*) FROM reading") / 9


RESULTS = """
CREATE TABLE person (id INTEGER PRIMARY KEY, born INTEGER NOT NULL);
CREATE TABLE visit (id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES person, began DATE, ended DATE);
CREATE TABLE result (id INTEGER PRIMARY KEY, visit INTEGER NOT NULL REFERENCES visit, taken TEXT, value INTEGER);
"""


def test_results_are_of_one_day_of_their_visit(make: Clone) -> None:
    """Of the early years only four persons have results, fewer than k: these bound the results, but not the visits."""
    rng = np.random.default_rng(6)
    start = np.datetime64("2000-01-01")
    visits: list[tuple[object, ...]] = []
    results: list[tuple[object, ...]] = []
    for person in range(1, 51):
        early = 3_000 if person > 36 else 0
        for day in np.sort(rng.integers(3_000 - early, 6_000 - early, 20)):
            stay = int(rng.integers(2, 9)) if rng.random() < 0.1 else 0
            visits.append((len(visits) + 1, person, str(start + day), str(start + day + stay)))
            taken = str(start + day + int(rng.integers(0, stay + 1)))
            if person <= 40:
                results += [(len(results) + n, len(visits), taken, int(rng.integers(9))) for n in range(1, 6)]
    persons = [(i, int(rng.integers(1940, 2000))) for i in range(1, 51)]
    copy = make(RESULTS, {"person": persons, "visit": visits, "result": results})
    apart = "julianday(r.taken) NOT BETWEEN julianday(v.began) AND julianday(v.ended)"
    assert copy.one(f"SELECT avg({apart}) FROM result r JOIN visit v ON v.id = r.visit") < 0.06
    days = "SELECT count(DISTINCT r.taken) AS days FROM result r GROUP BY r.visit"
    assert copy.one(f"SELECT avg(days) FROM ({days})") < 1.1


ODD = """
CREATE TABLE empty (id INTEGER PRIMARY KEY, x INTEGER, t TEXT, d DATE);
CREATE TABLE needs_empty (id INTEGER PRIMARY KEY, e INTEGER REFERENCES empty, x INTEGER);
CREATE TABLE settings (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at TIMESTAMP, rate REAL);
CREATE TABLE blank (
    id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, d DATE, s TIMESTAMP, b BOOLEAN, m DECIMAL(5, 2), z BLOB);
CREATE TABLE no_key (a INTEGER, b TEXT);
CREATE TABLE single (only_id INTEGER NOT NULL REFERENCES settings);
CREATE TABLE pairs (a TEXT, b INTEGER, PRIMARY KEY (a, b));
CREATE TABLE half_bound (a TEXT NOT NULL, b INTEGER, FOREIGN KEY (a, b) REFERENCES pairs);
"""


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_odd_tables_are_cloned_like_any_other(make: Clone, scale: float) -> None:
    rows: Rows = {
        "needs_empty": [(i, None, i % 7) for i in range(1, 41)],
        "settings": [(1, "the only one", "2024-02-29 12:00:00", 0.5)],
        "blank": [(i, *[None] * 8) for i in range(1, 31)],
        "no_key": [(i % 3, "xyz"[i % 2]) for i in range(50)] + [(None, None)] * 10,
        "single": [(1,)] * 20,
        "half_bound": [("rare", None)],
    }
    copy = make(ODD, rows, scale=scale)
    assert copy.size("empty") == 0
    assert copy.one("SELECT count(e) FROM needs_empty") == 0
    assert copy.size("settings") in (1, round(scale))
    assert copy.one("SELECT count(i) + count(r) + count(t) + count(d) + count(s) + count(b) + count(m) + count(z)"
                    " FROM blank") == 0  # fmt: skip
    for table in ("needs_empty", "blank", "no_key", "single", "half_bound"):
        assert copy.size(table) == pytest.approx(len(rows[table]) * scale, rel=0.1, abs=1), table
    if scale >= 1:
        assert copy.one("SELECT count(*) FROM no_key WHERE a IS NULL") > 0


def test_an_orphan_in_the_source_is_left_out(make: Clone) -> None:
    rows = {name: list(values) for name, values in family().items()}
    rows["house"] += [(100_000 + i, 77_777, 1.0, "gas") for i in range(40)]
    copy = make(FAMILY, rows)
    assert copy.size("house") == pytest.approx(len(rows["house"]), rel=0.1)


def test_a_database_without_rows_is_cloned_empty_or_refused(make: Clone) -> None:
    try:
        copy = make(ODD, {})
    except DbcloneError:
        return
    assert copy.size("no_key") == 0


PERSONAL = """
CREATE TABLE person (
    id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, phone TEXT,
    street_address TEXT);
"""


def test_no_string_of_a_personal_column_is_a_real_one(make: Clone) -> None:
    rng = np.random.default_rng(11)
    syllables = ["zor", "quib", "vex", "plim", "drax", "murg", "fleb", "gnar"]

    def word() -> str:
        return "".join(rng.choice(syllables, 3)).title()

    people = []
    for i in range(1, 301):
        first, last = word(), word()
        phone = f"+999 {rng.integers(100, 999)} {rng.integers(1_000_000, 9_999_999)}"
        people.append((i, first if i % 5 else None, last, f"{first}.{last}{i}@{word()}.example".lower(), phone,
                       f"{i} {word()} Lane"))  # fmt: skip
    copy = make(PERSONAL, {"person": people})
    for place, column in enumerate(("first_name", "last_name", "email", "phone", "street_address"), start=1):
        real = {person[place] for person in people} - {None}
        made = set(copy.column(f"SELECT {column} FROM person").tolist()) - {None}
        assert made
        assert not real & made, column
    assert copy.one("SELECT count(DISTINCT email) FROM person") == 300
    assert copy.one("SELECT avg(first_name IS NULL) FROM person") == pytest.approx(0.2, abs=4 * np.sqrt(2 * 0.16 / 300))
