"""Clones of tables with CHECK constraints: every row satisfies them, and what goes together stays together."""

import datetime as dt
import random
from collections.abc import Callable

import pytest

from dbclone.cloning import clone, plan_clone
from dbclone.errors import PlanError
from dbclone.options import CloneOptions, GenerateOptions, PlanOptions
from dbclone.progress import Silent
from tests.dialects.places import DIALECTS, Place

# Of each pair of columns, one alone says little: the check ties them.
DDL = (
    """CREATE TABLE member (id INTEGER PRIMARY KEY, code VARCHAR(8) NOT NULL UNIQUE, level INTEGER NOT NULL, born DATE,
    died DATE, CHECK (died IS NULL OR died > born), CHECK (length(code) = 6 AND code LIKE 'M%'),
    CHECK (level BETWEEN 1 AND 4))""",
    """CREATE TABLE stay (id INTEGER PRIMARY KEY, member_id INTEGER NOT NULL REFERENCES member (id),
    arrives DATE NOT NULL, leaves DATE NOT NULL, status VARCHAR(10) NOT NULL,
    cancelled_at TIMESTAMP, fee NUMERIC(8, 2), low INTEGER NOT NULL, high INTEGER NOT NULL, remark TEXT,
    CHECK (leaves >= arrives), CHECK (status <> 'cancelled' OR cancelled_at IS NOT NULL),
    CHECK (status = 'cancelled' OR cancelled_at IS NULL), CHECK (status IN ('open', 'done', 'cancelled')),
    CHECK (fee IS NULL OR (status <> 'cancelled' AND fee > 0)), CHECK (high - low >= 3),
    CHECK (CASE WHEN fee > 500 THEN remark IS NOT NULL ELSE true END))""",
    """CREATE TABLE friendship (one INTEGER NOT NULL REFERENCES member (id),
    other INTEGER NOT NULL REFERENCES member (id), since INTEGER, PRIMARY KEY (one, other), CHECK (one < other))""",
    """CREATE TABLE category (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES category (id), root BOOLEAN NOT NULL,
    CHECK (root = (parent_id IS NULL)), CHECK (parent_id <> id))""",
)
BROKEN = {
    "stay": "leaves < arrives OR (status = 'cancelled') <> (cancelled_at IS NOT NULL) OR high - low < 3"
    " OR (fee > 500 AND remark IS NULL) OR (fee IS NOT NULL AND (status = 'cancelled' OR fee <= 0))",
    "member": "died <= born OR length(code) <> 6 OR code NOT LIKE 'M%' OR level NOT BETWEEN 1 AND 4",
    "friendship": "one >= other",
    "category": "root <> (parent_id IS NULL) OR parent_id = id",
}
MEMBERS, STAYS = 150, 700


def fill(place: Place) -> None:
    rng = random.Random(11)
    place.run(*DDL)
    day = dt.date(1940, 1, 1)
    members = []
    for i in range(1, MEMBERS + 1):
        born = day + dt.timedelta(days=rng.randrange(15_000))
        died = None if rng.random() < 0.5 else born + dt.timedelta(days=rng.randrange(1, 25_000))
        members.append((i, f"M{rng.randrange(1000):03d}{i % 100:02d}", rng.randint(1, 4), born, died))
    codes = {row[1]: row for row in members}
    members = list(codes.values())
    place.insert("member", members)
    stays = []
    for i in range(STAYS):
        arrives = dt.date(2022, 1, 1) + dt.timedelta(days=rng.randrange(600))
        status = rng.choice(("open", "done", "cancelled"))
        when = dt.datetime(2022, 1, 1) + dt.timedelta(hours=rng.randrange(9_000)) if status == "cancelled" else None
        fee = None if status == "cancelled" or rng.random() < 0.1 else rng.randrange(1_000, 90_000) / 100
        remark = rng.choice(("late", "vip", "group")) if (fee or 0) > 500 or rng.random() < 0.2 else None
        low = rng.randrange(100)
        stay = (i, rng.choice(members)[0], arrives, arrives + dt.timedelta(days=rng.choice((0, 1, 2, 7))), status, when)
        stays.append((*stay, fee, low, low + rng.randint(3, 20), remark))
    place.insert("stay", stays)
    pairs = {tuple(sorted(rng.sample([m[0] for m in members], 2))) for _ in range(300)}
    place.insert("friendship", [(*pair, rng.randint(1990, 2020)) for pair in sorted(pairs)])
    parents = [None if i <= 4 else rng.randrange(1, i) for i in range(1, 61)]
    place.insert("category", [(i, parent, parent is None) for i, parent in enumerate(parents, 1)])


def count(place: Place, table: str, condition: str = "1 = 1") -> int:
    return int(place.rows(f"SELECT count(*) FROM {table} WHERE {condition}")[0][0])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_check_holds_and_few_rows_are_lost(make: Callable[[str], Place], dialect: str) -> None:
    source, target = make(dialect), make(dialect)
    fill(source)
    for scale in (1.0, 2.0):
        clone(source.url, target.url, CloneOptions(clean=True, generate=GenerateOptions(scale=scale)), Silent())
        for table, condition in BROKEN.items():
            assert count(target, table, condition) == 0, table
        for table in ("member", "stay", "category"):
            assert count(target, table) == pytest.approx(scale * count(source, table), rel=0.1), table
        assert count(target, "friendship") > 0.85 * scale * count(source, "friendship")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_shares_survive_the_repair(make: Callable[[str], Place], dialect: str) -> None:
    source, target = make(dialect), make(dialect)
    fill(source)
    clone(source.url, target.url, CloneOptions(), Silent())
    for condition in ("status = 'cancelled'", "fee > 500", "fee IS NULL", "leaves = arrives", "high - low < 6"):
        real = count(source, "stay", condition) / count(source, "stay")
        assert count(target, "stay", condition) / count(target, "stay") == pytest.approx(real, abs=0.1), condition


def test_the_same_seed_repairs_alike(make: Callable[[str], Place]) -> None:
    source, one, other = make("sqlite"), make("sqlite"), make("sqlite")
    fill(source)
    for target in (one, other):
        clone(source.url, target.url, CloneOptions(generate=GenerateOptions(scale=2, seed=4)), Silent())
    for table in BROKEN:
        assert one.rows(f"SELECT * FROM {table} ORDER BY 1, 2") == other.rows(f"SELECT * FROM {table} ORDER BY 1, 2")


def test_a_check_that_is_not_understood_is_told_in_the_plan(make: Callable[[str], Place]) -> None:
    source = make("sqlite")
    checks = "CHECK (unicode(b) > 64), CHECK (a > 0 AND hex(b) <> 'FF'), CHECK (a < 9)"
    source.run(f"CREATE TABLE t (a INTEGER, b TEXT, {checks})")
    source.insert("t", [(n % 8 + 1, "xyz"[n % 3]) for n in range(40)])
    found = [f for f in plan_clone(source.url, PlanOptions(), Silent()).findings if f.code == "unclear-check"]
    assert ["in part" in f.message for f in found] == [False, True]


def test_a_check_that_needs_a_table_left_out_is_refused_before_anything_is_fitted(make: Callable[[str], Place]) -> None:
    source = make("sqlite")
    source.run(
        "CREATE TABLE owner (id INTEGER PRIMARY KEY, label TEXT)",
        "CREATE TABLE thing (id INTEGER PRIMARY KEY, owner_id INTEGER REFERENCES owner,"
        " CONSTRAINT owned CHECK (owner_id IS NOT NULL))",
    )
    source.insert("owner", [(n, f"o{n}") for n in range(30)])
    source.insert("thing", [(n, n % 30) for n in range(90)])
    with pytest.raises(PlanError, match=r"thing.*owned.*owner_id"):
        plan_clone(source.url, PlanOptions(exclude=("owner",)), Silent())


DOMAINS = (
    "CREATE DOMAIN percentage AS integer CHECK (VALUE BETWEEN 0 AND 100)",
    "CREATE DOMAIN plate AS text CHECK (VALUE ~ '^[A-Z]{2}-[0-9]{3}$')",
    "CREATE TYPE state AS ENUM ('new', 'used', 'broken')",
    """CREATE TABLE car (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, plate plate NOT NULL, charge percentage,
    state state NOT NULL, bought timestamptz NOT NULL, sold timestamptz, net numeric(10,2) NOT NULL,
    tax numeric(10,2) NOT NULL, gross numeric(10,2) NOT NULL,
    margin numeric(10,2) GENERATED ALWAYS AS (gross - net) STORED,
    CHECK (sold IS NULL OR sold > bought + interval '1 day'), CHECK (gross = net + tax), CHECK (margin >= 0),
    CHECK (state < 'broken' OR charge IS NULL), CHECK (num_nonnulls(charge, sold) >= 1 OR state = 'broken'))""",
)


def test_domains_enums_intervals_and_generated_columns_in_postgresql(make: Callable[[str], Place]) -> None:
    source, target = make("postgresql"), make("postgresql")
    source.run(*DOMAINS)
    rng = random.Random(3)
    with source.connect() as connection, connection.cursor() as cursor:
        for _ in range(400):
            bought = dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=rng.randrange(20_000))
            sold = bought + dt.timedelta(days=2, hours=rng.randrange(5_000)) if rng.random() < 0.5 else None
            state = rng.choice(("new", "used", "broken"))
            charge = None if state == "broken" or (sold and rng.random() < 0.3) else rng.randint(0, 100)
            net, tax = rng.randrange(1_000, 90_000), rng.randrange(0, 9_000)
            plate = f"{rng.choice('ABCD')}{rng.choice('XYZ')}-{rng.randrange(1000):03d}"
            cursor.execute(
                "INSERT INTO car (plate, charge, state, bought, sold, net, tax, gross) VALUES (%s, %s, %s, %s, %s, %s,"
                " %s, %s)",
                (plate, charge, state, bought, sold, net / 100, tax / 100, (net + tax) / 100),
            )
    summary = clone(source.url, target.url, CloneOptions(generate=GenerateOptions(scale=2)), Silent())
    assert summary.violations == 0
    assert count(target, "car") == pytest.approx(800, rel=0.1)
    assert [f for f in summary.findings if f.code == "unclear-check"] == []


# What is known only when other tables are there: a reference across a cycle, a total over children, a running sum.
LATE = (
    """CREATE TABLE team (id INTEGER PRIMARY KEY, lead_id INTEGER REFERENCES player (id), vacant BOOLEAN NOT NULL,
    CHECK (vacant = (lead_id IS NULL)))""",
    """CREATE TABLE player (id INTEGER PRIMARY KEY, team_id INTEGER NOT NULL REFERENCES team (id),
    rank INTEGER NOT NULL, CHECK (rank > 0))""",
    "CREATE TABLE account (id INTEGER PRIMARY KEY, paid INTEGER NOT NULL, owed INTEGER NOT NULL, CHECK (owed <= paid))",
    """CREATE TABLE movement (account_id INTEGER NOT NULL REFERENCES account (id), n INTEGER NOT NULL,
    amount INTEGER NOT NULL, balance INTEGER NOT NULL, PRIMARY KEY (account_id, n), CHECK (balance >= 0),
    CHECK (balance >= amount))""",
)


RUNNING = "SELECT sum(amount) FROM movement WHERE account_id = m.account_id AND n <= m.n"


def test_checks_hold_on_what_is_only_known_later(make: Callable[[str], Place]) -> None:
    source, target = make("sqlite"), make("sqlite")
    source.run(*LATE)
    rng = random.Random(2)
    teams = [(i, None, True) for i in range(1, 41)]
    players = [(i, rng.randint(1, 40), rng.randint(1, 9)) for i in range(1, 301)]
    accounts, movements = [], []
    for account in range(1, 101):
        balance = total = 0
        for n in range(1, rng.randint(3, 12)):
            amount = rng.randint(1, 50) if balance < 2 or rng.random() < 0.7 else -rng.randint(1, balance - 1)
            balance, total = balance + amount, total + amount
            movements.append((account, n, amount, balance))
        accounts.append((account, total, rng.randint(0, total)))
    with source.connect() as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.executemany("INSERT INTO team VALUES (?, ?, ?)", teams)
    source.insert("player", players)
    leads = {team: player for player, team, _ in players if rng.random() < 0.4}
    with source.connect() as connection:
        connection.executemany(
            "UPDATE team SET lead_id = ?, vacant = 0 WHERE id = ?", [(player, team) for team, player in leads.items()]
        )
    source.insert("account", accounts)
    source.insert("movement", movements)
    for scale in (1, 2):
        options = CloneOptions(clean=True, generate=GenerateOptions(scale=scale))
        summary = clone(source.url, target.url, options, Silent())
        assert summary.violations == 0
        assert count(target, "team", "vacant <> (lead_id IS NULL)") == count(target, "account", "owed > paid") == 0
        assert count(target, "movement", "balance < 0 OR balance < amount") == 0
        assert count(target, "team", "NOT vacant") > 0.5 * scale * len(leads)
        assert count(target, "movement") == pytest.approx(scale * len(movements), rel=0.1)
        untrue = "paid <> (SELECT coalesce(sum(amount), 0) FROM movement WHERE account_id = account.id)"
        assert count(target, "account", untrue) == 0
        assert count(target, "movement AS m", f"balance <> ({RUNNING})") < 0.02 * count(target, "movement")
