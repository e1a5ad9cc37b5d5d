"""The audit catches a generator that copies, in whole or in part, and passes one that draws fresh entities."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest

from dbclone.privacy.audit import AuditFigures, audit
from dbclone.privacy.audit_attacks import nearest
from dbclone.privacy.audit_copies import Databases, Shared, SharedKind
from dbclone.privacy.audit_intervals import Scores, auc, excess, tpr, wilson
from dbclone.privacy.audit_profiles import Profiler, Scaler, branches
from dbclone.schema import Column, ForeignKey, Key, Schema, SqlType, Table, TableName, TypeFamily

PERSON, VISIT, BILL = (TableName("", name) for name in ("person", "visit", "bill"))
SPLIT = frozenset({PERSON, VISIT, BILL})
Tables = Mapping[TableName, pa.Table]


def column(name: str, family: TypeFamily) -> Column:
    return Column(name, SqlType(family, family.value))


def key(*columns: str) -> Key:
    return Key("", columns)


TOWN = Schema(
    "sqlite",
    (
        Table(
            PERSON,
            (
                column("id", TypeFamily.INTEGER), column("age", TypeFamily.INTEGER), column("city", TypeFamily.TEXT),
                column("name", TypeFamily.TEXT), column("income", TypeFamily.FLOAT),
            ),
            key("id"),
        ),
        Table(
            VISIT,
            (
                column("id", TypeFamily.INTEGER), column("person_id", TypeFamily.INTEGER),
                column("day", TypeFamily.DATE), column("kind", TypeFamily.TEXT), column("cost", TypeFamily.FLOAT),
            ),
            key("id"),
            foreign_keys=(ForeignKey("", ("person_id",), PERSON, ("id",)),),
        ),
        Table(
            BILL,
            (column("visit_id", TypeFamily.INTEGER), column("amount", TypeFamily.FLOAT)),
            foreign_keys=(ForeignKey("", ("visit_id",), VISIT, ("id",)),),
        ),
    ),
)  # fmt: skip


def town(people: int, seed: int) -> Tables:
    """People, their visits and the bills of these, drawn from one distribution."""
    rng = np.random.default_rng(seed)
    visits = rng.poisson(3, people)
    who = np.repeat(np.arange(people), visits)
    cost = np.round(rng.lognormal(3, 1, len(who)), 2)
    names = [f"{word}-{rng.integers(10**9)}" for word in rng.choice(["ada", "ben", "cleo"], people)]
    person = {
        "id": np.arange(people), "age": rng.integers(18, 90, people),
        "city": rng.choice(["Ulm", "Bonn", "Trier", "Kiel"], people, p=[0.5, 0.3, 0.15, 0.05]),
        "name": names, "income": pa.array(np.round(rng.lognormal(10, 0.5, people)), mask=rng.random(people) < 0.1),
    }  # fmt: skip
    visit = {
        "id": np.arange(len(who)), "person_id": who,
        "day": pa.array(rng.integers(15_000, 16_000, len(who)).astype(np.int32)).cast(pa.date32()),
        "kind": rng.choice(["eye", "ear", "nose"], len(who)), "cost": cost,
    }  # fmt: skip
    bill = {"visit_id": np.arange(len(who)), "amount": cost * 1.19}
    return {PERSON: pa.table(person), VISIT: pa.table(visit), BILL: pa.table(bill)}


def audited(synthetic: Tables, members: Tables | None = None, controls: Tables | None = None) -> AuditFigures:
    members, controls = members or town(300, 1), controls or town(300, 2)
    return audit(Databases(TOWN, PERSON, SPLIT, members, controls, synthetic, frozenset()), 5, 0)


def shared(figures: AuditFigures, kind: SharedKind, table: TableName, *columns: str) -> Shared:
    return next(s for s in figures.shared if (s.kind, s.table, s.columns) == (kind, table, columns))


@pytest.fixture(scope="module")
def copying() -> AuditFigures:
    return audited(town(300, 1))


@pytest.fixture(scope="module")
def honest() -> AuditFigures:
    return audited(town(300, 3))


# --- a generator that returns what it was fitted to ------------------------------------------------------------------


def test_every_attack_recognises_copied_entities(copying: AuditFigures) -> None:
    assert len(copying.attacks) == 4
    for attack in copying.attacks:
        assert attack.auc.value > 0.9, attack.name
    assert copying.best.auc.low > 0.98
    assert copying.best.tpr.value == 1.0


def test_copied_entities_are_singled_out_and_linked(copying: AuditFigures) -> None:
    assert len(copying.guesses) == 3
    for guess in copying.guesses:
        assert guess.success.value > 0.95, guess.name
        assert guess.risk.low > 0.8, guess.name


def test_everything_copied_is_counted(copying: AuditFigures) -> None:
    people, visits = (town(300, 1)[name].num_rows for name in (PERSON, VISIT))
    rows = shared(copying, SharedKind.ROWS, PERSON)
    assert (rows.total, rows.found, rows.halves_found) == (people, people, 0)
    assert shared(copying, SharedKind.ROWS, VISIT).found == visits
    assert shared(copying, SharedKind.STRINGS, PERSON, "name").share == 1.0
    assert shared(copying, SharedKind.STRINGS, PERSON, "name").floor == 0.0
    assert shared(copying, SharedKind.RARE, PERSON, "income").share == 1.0
    assert shared(copying, SharedKind.RARE, PERSON, "income").floor < 0.1
    assert shared(copying, SharedKind.DEGREES, VISIT, "person_id").share == 1.0
    assert shared(copying, SharedKind.RARE_DEGREES, VISIT, "person_id").share == 1.0


def test_reference_tables_are_copied_on_purpose() -> None:
    data = Databases(TOWN, PERSON, SPLIT, town(100, 1), town(100, 2), town(100, 1), frozenset({PERSON}))
    counted = audit(data, 5, 0).shared
    assert not [s for s in counted if s.table == PERSON]
    assert [s for s in counted if s.table == VISIT]


# --- one that draws fresh entities -----------------------------------------------------------------------------------


def test_no_attack_recognises_fresh_entities(honest: AuditFigures) -> None:
    for attack in honest.attacks:
        assert attack.auc.low < 0.5 < attack.auc.high, attack.name
        assert attack.isolated_auc.low < 0.5 < attack.isolated_auc.high, attack.name
        assert attack.tpr.value < 0.05, attack.name


def test_fresh_entities_carry_no_risk(honest: AuditFigures) -> None:
    for guess in honest.guesses:
        assert guess.risk.low < 0.05, guess.name
        assert guess.control.low <= guess.success.high, guess.name


def test_fresh_rows_share_what_halves_share(honest: AuditFigures) -> None:
    assert shared(honest, SharedKind.ROWS, PERSON).found == 0
    assert shared(honest, SharedKind.STRINGS, PERSON, "name").found == 0
    degrees = shared(honest, SharedKind.DEGREES, VISIT, "person_id")
    assert degrees.share == pytest.approx(degrees.floor, abs=0.1)


# --- leaks that are harder to see ------------------------------------------------------------------------------------


def test_a_quarter_of_copied_entities_is_enough() -> None:
    mixed, quarter = town(300, 3), town(300, 1)
    person = pa.concat_tables([mixed[PERSON].slice(0, 225), quarter[PERSON].slice(0, 75)])
    visits = pa.concat_tables([part(mixed[VISIT], 0, 225), part(quarter[VISIT], 0, 75, shift=225)])
    person = person.set_column(0, "id", pa.array(np.arange(300)))
    figures = audited({PERSON: person, VISIT: visits, BILL: mixed[BILL].slice(0, 0)})
    assert figures.best.auc.low > 0.55


def part(visits: pa.Table, first: int, last: int, shift: int = 0) -> pa.Table:
    who = visits.column("person_id").to_numpy()
    kept = visits.filter(pa.array((who >= first) & (who < last)))
    moved = kept.column("person_id").to_numpy() + shift
    return kept.set_column(1, "person_id", pa.array(moved))


def test_blurred_copies_are_recognised_by_distance() -> None:
    rng, real = np.random.default_rng(0), town(300, 1)
    age = real[PERSON].column("age").to_numpy() + rng.integers(-1, 2, 300)
    figures = audited({**real, PERSON: real[PERSON].set_column(1, "age", pa.array(age))})
    assert next(a for a in figures.attacks if a.name == "distance to the closest").auc.value > 0.9


def test_copied_rows_of_invented_people_are_recognised() -> None:
    """Nobody's own row comes again, but somebody's visits do, one here, one there."""
    visits, people = town(300, 1)[VISIT], town(300, 3)[PERSON]
    shuffled = visits.set_column(1, "person_id", pa.array(np.random.default_rng(0).integers(0, 300, visits.num_rows)))
    rounded = [with_costs(t) for t in (shuffled, visits, town(300, 2)[VISIT])]
    synthetic, members, controls = (
        {PERSON: p, VISIT: v, BILL: town(1, 1)[BILL].slice(0, 0)}
        for p, v in zip((people, town(300, 1)[PERSON], town(300, 2)[PERSON]), rounded, strict=True)
    )
    figures = audited(synthetic, members, controls)
    found = {a.name: a.auc for a in figures.attacks}
    assert found["recurring rows"].low > 0.6
    assert found["distance to the closest"].low < 0.55


def with_costs(visits: pa.Table) -> pa.Table:
    """Round costs, so that each occurs several times."""
    return visits.set_column(4, "cost", pa.array(np.round(visits.column("cost").to_numpy())))


# --- small and odd data ----------------------------------------------------------------------------------------------


def test_a_handful_of_entities_proves_nothing() -> None:
    figures = audited(town(6, 3), town(6, 1), town(6, 2))
    for attack in figures.attacks:
        assert 0 <= attack.auc.low <= attack.auc.value <= attack.auc.high <= 1
        assert attack.auc.high - attack.auc.low > 0.4


def test_an_empty_clone_betrays_nothing() -> None:
    empty = {name: rows.slice(0, 0) for name, rows in town(50, 1).items()}
    figures = audited(empty, town(50, 1), town(50, 2))
    assert figures.synthetic == 0
    assert all(a.auc.low < 0.55 for a in figures.attacks)
    assert all(s.found == 0 for s in figures.shared)


def test_columns_without_values_are_no_evidence() -> None:
    def blank(tables: Tables) -> Tables:
        nothing = pa.nulls(tables[PERSON].num_rows, pa.float64())
        return {**tables, PERSON: tables[PERSON].set_column(4, "income", nothing)}

    figures = audited(blank(town(60, 3)), blank(town(60, 1)), blank(town(60, 2)))
    assert not np.isnan(figures.best.auc.value)


def test_entities_without_attributes_cannot_be_told_apart() -> None:
    lonely = Schema("sqlite", (Table(PERSON, (column("id", TypeFamily.INTEGER),), key("id")),))
    rows = {PERSON: pa.table({"id": np.arange(40)})}
    figures = audit(Databases(lonely, PERSON, frozenset({PERSON}), rows, rows, rows, frozenset()), 5, 0)
    assert figures.best.auc.value == pytest.approx(0.5, abs=0.1)


# --- the parts -------------------------------------------------------------------------------------------------------


def test_ways_lead_down_to_every_table_once() -> None:
    assert [(b.table, len(b.path)) for b in branches(TOWN, PERSON)] == [(VISIT, 1), (BILL, 2)]


def test_profiles_hold_the_row_and_aggregates_of_what_hangs_from_it() -> None:
    tables = town(50, 1)
    found = {a.name: a for a in Profiler.learn(TOWN, PERSON, [tables]).attributes(tables)}
    who, cost = (tables[VISIT].column(name).to_numpy() for name in ("person_id", "cost"))
    own = cost[who == 7]
    assert found["age"].values[7] == tables[PERSON].column("age")[7].as_py()
    assert found["visit.person_id: count"].values[7] == len(own)
    assert found["visit.person_id: mean cost"].values[7] == pytest.approx(own.mean())
    assert found["visit.person_id: greatest cost"].values[7] == own.max()
    assert found["bill.visit_id: mean amount"].values[7] == pytest.approx(own.mean() * 1.19)
    assert "name" not in found  # it names people: as a category it would say nothing


def test_vectors_are_robust_to_one_extreme_value() -> None:
    tables = town(50, 1)
    income = np.arange(50.0)
    income[0] = 1e12
    tables = {**tables, PERSON: tables[PERSON].set_column(4, "income", pa.array(income))}
    attributes = [a for a in Profiler.learn(TOWN, PERSON, [tables]).attributes(tables) if a.name == "income"]
    vectors = Scaler.learn([attributes]).vectors(attributes)
    assert np.ptp(vectors[1:, 0]) > 1
    assert vectors[0, 0] < 50


def test_nearest_is_the_euclidean_distance() -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(n, 3)).astype(np.float32) for n in (7, 1_500))
    expected = np.sqrt(((x[:, None].astype(float) - y[None]) ** 2).sum(2)).min(1)
    assert nearest(x, y) == pytest.approx(expected, abs=1e-5)
    assert nearest(y, y, others=True).min() > 0


def test_area_counts_pairs() -> None:
    members, controls = np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0])
    assert auc(Scores.of(members, controls)).value == pytest.approx((1 + 1.5 + 2) / 6)


def test_the_interval_of_the_area_covers_the_truth() -> None:
    """Normal scores one standard deviation apart: the true area is Φ(1/√2) = 0.760."""
    rng = np.random.default_rng(0)
    intervals = [auc(Scores.of(rng.normal(1, 1, 80), rng.normal(0, 1, 60))) for _ in range(300)]
    assert 0.9 < np.mean([i.low < 0.7602 < i.high for i in intervals]) < 0.99


def test_certainty_is_never_claimed_of_few_entities() -> None:
    perfect = auc(Scores.of(np.ones(10), np.zeros(10)))
    assert perfect.value == perfect.high == 1.0
    assert 0.6 < perfect.low < 0.95


def test_members_found_at_one_percent_false_alarms() -> None:
    rng = np.random.default_rng(0)
    found = tpr(Scores.of(np.r_[np.full(50, 9.0), rng.normal(size=950)], rng.normal(size=1_000)), rng)
    assert 0.05 < found.value < 0.08
    assert found.low < 0.06 < found.high
    assert tpr(Scores.of(np.zeros(100), np.zeros(100)), rng).value == 0.0


def test_folds_are_judged_apart() -> None:
    """Scores of two judges with different zeros: compared across them they would mean nothing."""
    members = np.stack([np.array([1.0, 3.0]), np.array([101.0, 103.0])])
    scores = Scores(members, np.array([0.0, 2.0, 100.0, 102.0]), np.array([0, 0, 1, 1]))
    assert auc(scores).value == pytest.approx(0.75)


def test_wilson_interval() -> None:
    interval = wilson(8, 10)
    assert (interval.low, interval.high) == (pytest.approx(0.490, abs=1e-3), pytest.approx(0.943, abs=1e-3))
    assert wilson(0, 10).low == 0.0
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


def test_only_the_excess_over_the_control_is_a_risk() -> None:
    assert excess(wilson(50, 100), wilson(50, 100)).value == 0.0
    assert excess(wilson(100, 100), wilson(20, 100)).value == 1.0
    assert excess(wilson(60, 100), wilson(20, 100)).value == pytest.approx(0.5)
