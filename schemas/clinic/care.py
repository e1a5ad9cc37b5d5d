"""What happens to patients: visits, diagnoses, laboratory, prescriptions, invoices; vaccinations; admissions."""

from __future__ import annotations

import numpy as np

from .. import drawing as d  # noqa: TID252 (the name of the package differs in a wheel)
from ..drawing import Array, Columns, Value  # noqa: TID252
from .catalogue import CLINICS, FIRST_DAY, LAST_DAY, SERVICES, TESTS, VACCINES, diagnosis_codes  # noqa: TID252

MINUTE, DAY = np.timedelta64(60, "s"), np.timedelta64(1, "D")
KINDS = ["checkup", "acute", "followup", "chronic"]
DRUGS = {"lisinopril": 10, "metformin": 500, "atorvastatin": 20, "ibuprofen": 400, "amoxicillin": 750, "salbutamol": 4}


def visits(
    rng: np.random.Generator, patient: dict[str, Array], doctor: dict[str, Array], tables: dict[str, Columns]
) -> dict[str, Array]:
    """Chronic patients come every 13 weeks, follow-ups after two; on working days at quarter hours."""
    n = len(patient["age"])
    wanted = np.where(patient["chronic"], rng.integers(6, 12, n), rng.poisson(2.2, n))
    who = np.repeat(np.arange(n), wanted)
    first = d.position(wanted) == 0
    kind = np.where(patient["chronic"][who], "chronic", d.choose(rng, KINDS[:3], [4, 4, 3], len(who)))
    kind[first & (kind == "followup")] = "acute"
    gap = np.where(kind == "chronic", 91, np.where(kind == "followup", 14, 20 + rng.exponential(110, len(who)))).astype(
        int
    )
    gap[first] = rng.integers(0, 250, int(first.sum()))
    day = FIRST_DAY + (d.running(gap, wanted) // 7 * 7 + rng.integers(0, 5, n)[who]).astype("timedelta64[D]")
    keep = (day <= LAST_DAY) & (day > patient["registered"][who])
    who, kind, day = who[keep], kind[keep], day[keep]
    hour = rng.binomial(36, np.where(patient["age"][who] < 18, 0.75, 0.4))
    scheduled = day.astype("M8[s]") + (8 * 60 + 15 * hour) * MINUTE
    clinic, number = _choose_doctors(rng, patient, doctor, who)
    young = (patient["age"][who] > 16) & (patient["age"][who] < 35)
    status = np.where(
        rng.random(len(who)) < np.where(young, 0.18, 0.04),
        "no_show",
        np.where(rng.random(len(who)) < 0.1, "cancelled", "done"),
    )
    visit = {
        "patient": who,
        "kind": kind,
        "clinic": clinic,
        "status": status,
        "scheduled": scheduled,
        "day": day,
        "specialty": _specialty(doctor, clinic, number),
    }
    _visit_table(rng, visit, number, doctor["rooms"], tables)
    last_day = np.full(n, np.datetime64("2017-01-01", "D"))
    last_day[who] = day  # visits of a patient stand in time order: the last one wins
    return visit | {"counts": np.bincount(who, minlength=n), "last_day": last_day}


def _choose_doctors(
    rng: np.random.Generator, patient: dict[str, Array], doctor: dict[str, Array], who: Array
) -> tuple[Array, Array]:
    """Nine of ten visits are at the home clinic; children see pediatricians; mostly it is the usual doctor."""
    clinic = np.where(rng.random(len(who)) < 0.9, patient["home"][who], rng.integers(0, len(CLINICS), len(who)))
    child, usual = patient["age"] < 18, rng.random(len(patient["age"]))
    luck = np.where(rng.random(len(who)) < 0.75, usual[who], rng.random(len(who)))
    number = np.zeros(len(who), dtype=int)
    for k in range(len(CLINICS)):
        for young in (False, True):
            pool = doctor["number"][(doctor["clinic"] == k) & ((doctor["specialty"] == "pediatrics") == young)]
            rows = np.flatnonzero((clinic == k) & (child[who] == young))
            number[rows] = pool[(luck[rows] ** 1.5 * len(pool)).astype(int)]
    return clinic, number


def _specialty(doctor: dict[str, Array], clinic: Array, number: Array) -> Array:
    table = np.full((len(CLINICS), int(doctor["number"].max()) + 1), "", dtype=doctor["specialty"].dtype)
    table[doctor["clinic"], doctor["number"]] = doctor["specialty"]
    result: Array = table[clinic, number]
    return result


def _visit_table(
    rng: np.random.Generator, visit: dict[str, Array], number: Array, rooms: Array, tables: dict[str, Columns]
) -> None:
    """Only a visit that took place has times; a long one starts late; video visits need no room."""
    n, done = len(number), visit["status"] == "done"
    duration = d.lookup({"checkup": 30, "acute": 20, "followup": 15, "chronic": 40}, visit["kind"]) + rng.integers(
        -2, 12, n
    )
    started = visit["scheduled"] + rng.exponential(12, n).astype(int) * MINUTE
    room = 101 + (rng.random(n) * rooms[visit["clinic"]]).astype(int)
    tables["visit"] = d.table(
        id=np.arange(1, n + 1),
        patient_id=visit["patient"] + 1,
        clinic_id=visit["clinic"] + 1,
        doctor_no=number,
        room_no=d.known(room, rng.random(n) > np.where(visit["kind"] == "followup", 0.5, 0.05)),
        kind=visit["kind"],
        status=visit["status"],
        scheduled_at=visit["scheduled"],
        cancelled_at=d.known(
            visit["scheduled"] - d.seconds(rng.exponential(100000, n) + 3600), visit["status"] == "cancelled"
        ),
        started_at=d.known(started, done),
        ended_at=d.known(started + duration.astype(int) * MINUTE, done),
        duration_min=d.known(duration.astype(int), done),
    )


def follow_ups(
    rng: np.random.Generator, patient: dict[str, Array], visit: dict[str, Array], tables: dict[str, Columns]
) -> None:
    """What visits that took place lead to."""
    done = np.flatnonzero(visit["status"] == "done")
    _diagnoses(rng, patient, visit, done, tables)
    lab = _lab(
        rng, patient, visit, done[rng.random(len(done)) < np.where(visit["kind"][done] == "chronic", 0.7, 0.25)], tables
    )
    _prescriptions(rng, patient, visit, done[rng.random(len(done)) < 0.5], tables)
    _invoices(rng, patient, visit, done, lab, tables)


def _diagnoses(
    rng: np.random.Generator,
    patient: dict[str, Array],
    visit: dict[str, Array],
    done: Array,
    tables: dict[str, Columns],
) -> None:
    """Codes depend on the patient (smoking, weight, age) and on the doctor's specialty."""
    codes, who = diagnosis_codes(), visit["patient"][done]
    weight = np.ones((len(done), len(codes)))
    for condition, favoured, factor in (
        (patient["smoker"][who], ["J20", "J44"], 14),
        (patient["bmi"][who] > 30, ["E11", "E66", "E78"], 9),
        (patient["age"][who] < 18, ["B01", "H66", "J06"], 9),
        (patient["age"][who] > 60, ["I10", "I25", "M17"], 6),
        (visit["specialty"][done] == "orthopedics", ["M54", "M17", "S52", "S93"], 9),
        (visit["specialty"][done] == "cardiology", ["I10", "I25"], 9),
    ):
        weight[np.ix_(condition, np.isin(codes, favoured))] *= factor
    order = np.argsort(-(np.log(weight) + rng.gumbel(size=weight.shape)), axis=1)  # Gumbel: draws without replacement
    counts = 1 + rng.binomial(3, np.where(patient["chronic"][who], 0.5, 0.15))
    row, rank = np.repeat(np.arange(len(done)), counts), d.position(counts)
    tables["visit_diagnosis"] = d.table(
        visit_id=done[row] + 1, diagnosis_code=codes[order[row, rank]], priority=rank + 1
    )


def _lab(
    rng: np.random.Generator,
    patient: dict[str, Array],
    visit: dict[str, Array],
    chosen: Array,
    tables: dict[str, Columns],
) -> Array:
    """Glucose has two modes by the patient's weight, CRP a heavy tail; returns the visits with a test."""
    counts = rng.integers(1, 4, len(chosen))
    at = np.repeat(chosen, counts)
    who, codes = visit["patient"][at], list(TESTS)
    test = np.array(codes)[(np.repeat(rng.integers(0, 4, len(chosen)), counts) + d.position(counts)) % 4]
    high = patient["bmi"][who] > 30
    value = np.select(
        [test == "GLU", test == "CHOL", test == "HB"],
        [
            np.where(high, rng.normal(172, 14, len(at)), rng.normal(95, 9, len(at))),
            150 + patient["age"][who] + rng.normal(0, 22, len(at)),
            np.where(patient["sex"][who] == "M", 15.3, 13.5) + rng.normal(0, 0.8, len(at)),
        ],
        np.exp(rng.normal(np.where(patient["smoker"][who], 1.6, 0.8), 1.0, len(at))),
    ).round(1)
    low, top = d.lookup({c: TESTS[c][2] for c in codes}, test), d.lookup({c: TESTS[c][3] for c in codes}, test)
    device: list[Value] = [
        {"model": str(m), "run": int(r)}
        for m, r in zip(d.choose(rng, ["A200", "B7"], [2, 1], len(at)), rng.integers(1, 90, len(at)), strict=True)
    ]
    tables["lab_result"] = d.table(
        id=np.arange(1, len(at) + 1),
        visit_id=at + 1,
        test_code=test,
        value=value,
        unit=[TESTS[str(t)][1] for t in test],
        is_abnormal=(value < low) | (value > top),
        device=d.known(device, test != "CRP"),
    )
    return chosen


def _prescriptions(
    rng: np.random.Generator,
    patient: dict[str, Array],
    visit: dict[str, Array],
    chosen: Array,
    tables: dict[str, Columns],
) -> None:
    """The dose is a multiple of the drug's unit; chronic patients get 90 days."""
    n, who = len(chosen), visit["patient"][chosen]
    weights = {"True": [5, 4, 5, 1, 0.5, 1], "False": [0.5, 0.5, 0.5, 6, 4, 1]}
    drug = d.choose_by(rng, list(DRUGS), weights, patient["chronic"][who].astype(str))
    daily = (d.lookup(DRUGS, drug) * rng.choice([1, 1, 2, 3], n)).astype(int)
    days = np.where(patient["chronic"][who], 90, rng.choice([5, 7, 10, 14], n))
    start = visit["day"][chosen] + rng.integers(0, 3, n).astype("timedelta64[D]")
    tables["prescription"] = d.table(
        id=np.arange(1, n + 1),
        patient_mrn=[f"MRN-{200017 + 3 * i}" for i in who.tolist()],
        visit_id=d.known(chosen + 1, rng.random(n) < 0.85),
        drug=drug,
        daily_mg=daily,
        days=days,
        total_mg=daily * days,
        starts_on=start,
        ends_on=start + days.astype("timedelta64[D]"),
    )


def _invoices(
    rng: np.random.Generator,
    patient: dict[str, Array],
    visit: dict[str, Array],
    done: Array,
    lab: Array,
    tables: dict[str, Columns],
) -> None:
    """One invoice a visit: consultation by kind, laboratory where there was one, others; the old are insured better."""
    codes, n = list(SERVICES), len(done)
    main = np.where(visit["kind"][done] == "chronic", codes.index("LONG"), codes.index("CONS"))
    more = rng.poisson(0.7, n).clip(0, 4)
    counts = 1 + np.isin(done, lab) + more
    row, place = np.repeat(np.arange(n), counts), d.position(counts)
    service = rng.integers(3, len(codes), len(row))
    service[place == 0] = main
    service[(place == 1) & np.isin(done, lab)[row]] = codes.index("LAB")
    quantity = np.where(place == 0, 1, 1 + rng.poisson(0.25, len(row)))
    cents = np.array([round(SERVICES[c][1] * 100) for c in codes])[service]
    total = np.bincount(row, weights=quantity * cents, minlength=n).astype(int)
    insured = np.where(
        patient["age"][visit["patient"][done]] > 65, 0.9, rng.choice([0.0, 0.5, 0.8], n, p=[0.3, 0.2, 0.5])
    )
    insurer = np.rint(total * insured).astype(int)
    issued = visit["day"][done] + rng.integers(1, 15, n).astype("timedelta64[D]")
    paid = issued + (rng.gamma(2, 10, n) + 1).astype("timedelta64[D]")
    tables["invoice"] = d.table(
        visit_id=done + 1,
        issued_on=issued,
        total=total / 100,
        insurer_share=insurer / 100,
        patient_share=(total - insurer) / 100,
        paid_on=d.known(paid, (insurer == total) | (rng.random(n) < 0.85)),
    )
    tables["invoice_line"] = d.table(
        visit_id=done[row] + 1,
        line_no=place + 1,
        service_code=np.array(codes)[service],
        quantity=quantity,
        unit_price=cents / 100,
        amount=quantity * cents / 100,
    )


def vaccinations(rng: np.random.Generator, patient: dict[str, Array], tables: dict[str, Columns]) -> None:
    """Doses 1..n of a vaccine, 28 days apart; one manufacturer per vaccine."""
    n, names = len(patient["age"]), list(VACCINES)
    wanted = rng.random((n, len(names))) < np.where(patient["age"] < 18, 0.6, 0.2)[:, None]
    who, which = np.nonzero(wanted)
    doses = np.where(which == 0, 1, rng.integers(1, 4, len(who)))
    start = patient["registered"][who] + rng.integers(10, 300, len(who)).astype("timedelta64[D]")
    row, place = np.repeat(np.arange(len(who)), doses), d.position(doses)
    vaccine = np.array(names)[which[row]]
    tables["vaccination"] = d.table(
        patient_id=who[row] + 1,
        vaccine=vaccine,
        dose_no=place + 1,
        given_on=start[row] + (28 * place).astype("timedelta64[D]"),
        manufacturer=[VACCINES[str(v)] for v in vaccine],
    )


NEXT = {
    "emergency": (["ward", "surgery"], [7, 3]),
    "surgery": (["icu", "ward"], [4, 6]),
    "icu": (["ward"], [1]),
    "ward": (["discharged", "surgery"], [9, 1]),
}
HOURS = {"emergency": 5.0, "surgery": 3.0, "icu": 40.0, "ward": 70.0}


def admissions(rng: np.random.Generator, patient: dict[str, Array], n: int, tables: dict[str, Columns]) -> None:
    """A walk through the states of a hospital; the stay begins and ends with its first and last event."""
    likely = np.where(patient["chronic"], 4.0, 1.0)
    who = np.sort(rng.choice(len(likely), n, p=likely / likely.sum()))
    admitted = np.datetime64("2022-01-03", "s") + d.seconds(rng.integers(0, 1000 * 86400, n))
    number, step, states, entered, left = [], [], [], [], []
    for i, start in enumerate(admitted):
        state, at, k = "emergency", start, 1
        while True:
            number.append(i + 1)
            step.append(k)
            states.append(state)
            entered.append(at)
            if state == "discharged":
                break
            at = at + np.timedelta64(int(rng.gamma(2, HOURS[state] / 2) * 3600) + 60, "s")
            state, k = str(d.choose(rng, *NEXT[state], 1)[0]), k + 1
        left.append(at)
    notes: list[Value] = [
        f"Brought in by {a} {b}; next of kin informed." for a, b in zip(*d.people(rng, n), strict=True)
    ]
    tables["admission"] = d.table(
        id=np.arange(1, n + 1),
        patient_id=who + 1,
        clinic_id=patient["home"][who] + 1,
        admitted_at=admitted,
        discharged_at=np.array(left),
        note=d.known(notes, rng.random(n) < 0.6),
    )
    tables["admission_event"] = d.table(admission_id=number, step=step, state=states, entered_at=np.array(entered))
