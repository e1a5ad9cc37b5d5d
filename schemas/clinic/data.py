"""A group of clinics: patients and, from the modules beside, staff, visits and what follows from them."""

from __future__ import annotations

import numpy as np

from .. import drawing as d  # noqa: TID252 (the name of the package differs in a wheel)
from ..drawing import Array, Columns, Value  # noqa: TID252
from .care import admissions, follow_ups, vaccinations, visits  # noqa: TID252
from .catalogue import CLINICS, reference_tables  # noqa: TID252
from .staff import staff  # noqa: TID252

_LOAD_ORDER = [
    "configuration",
    "diagnosis",
    "lab_test",
    "service",
    "clinic",
    "department",
    "employee",
    "user",
    "doctor",
    "room",
    "patient",
    "visit",
    "visit_diagnosis",
    "lab_result",
    "prescription",
    "invoice",
    "invoice_line",
    "vaccination",
    "admission",
    "admission_event",
    "waiting_list",
    "access_log",
    "recall",
]


def generate(seed: int, scale: float) -> dict[str, Columns]:
    """All tables in load order; the same seed and scale give the same values."""
    rng = np.random.default_rng([seed, 2])
    tables = reference_tables()
    doctor = staff(rng, max(3, round(8 * min(scale, 4))), tables)
    patient = _patients(rng, d.scaled(1300, scale))
    visit = visits(rng, patient, doctor, tables)
    follow_ups(rng, patient, visit, tables)
    _finish_patients(rng, patient, visit, tables)
    vaccinations(rng, patient, tables)
    admissions(rng, patient, d.scaled(320, scale), tables)
    _waiting_lists(rng, patient, tables)
    _access_log(rng, len(patient["age"]), d.scaled(2500, scale), tables)
    tables["recall"] = d.table(patient_id=[], reason=[], due_on=[])
    return {name: tables[name] for name in _LOAD_ORDER}


def _patients(rng: np.random.Generator, n: int) -> dict[str, Array]:
    """What the rest depends on: age (in 2022), sex, habits, body, home clinic."""
    age = np.where(rng.random(n) < 0.22, rng.uniform(0, 17, n), 18 + 70 * rng.beta(1.6, 1.8, n))
    age[: max(2, n // 20)] = rng.uniform(30, 60, max(2, n // 20))  # guardians must exist
    smoker = (rng.random(n) < 0.25) & (age > 18)
    height = np.where(age < 18, 60 + age * 6.3, 171) + rng.normal(0, 7, n)
    bmi = np.where(age < 18, 17, 22 + np.minimum(age, 60) / 12) + rng.gamma(2, 1.7, n) - 1.5
    chronic = rng.random(n) < 1 / (1 + np.exp(5 - age / 14))
    birth = np.datetime64("2022-01-01", "D") - (age * 365.25 + 1).astype("timedelta64[D]")
    registered = np.maximum(birth, np.datetime64("2017-05-02", "D") + rng.integers(0, 2400, n).astype("timedelta64[D]"))
    return {
        "age": age,
        "birth": birth,
        "registered": registered,
        "smoker": smoker,
        "bmi": bmi,
        "height": np.round(height, 1),
        "chronic": chronic,
        "sex": d.choose(rng, ["F", "M", "X"], [51, 48, 1], n),
        "home": d.skewed(rng, len(CLINICS), n, 0.5),
    }


def _finish_patients(
    rng: np.random.Generator, patient: dict[str, Array], visit: dict[str, Array], tables: dict[str, Columns]
) -> None:
    """Names and addresses (children share those of their guardian), gaps in the data, totals over visits."""
    n, minor, places = len(patient["age"]), patient["age"] < 18, d.Places()
    adults = np.flatnonzero(~minor)
    guardian = np.where(minor, adults[rng.integers(0, len(adults), n)], np.arange(n))
    first, last = d.people(rng, n)
    last, where, street = last[guardian], places.draw(rng, n)[guardian], np.array(d.streets(rng, n))[guardian]
    weight = np.round(patient["bmi"] * (patient["height"] / 100) ** 2, 1)
    measured = rng.random(n) < np.where(patient["chronic"], 0.98, 0.7)
    died = np.maximum(visit["last_day"], patient["registered"]) + rng.integers(1, 300, n).astype("timedelta64[D]")
    groups = d.choose(rng, ["O+", "A+", "B+", "AB+", "O-", "A-", "B-"], [38, 34, 9, 3, 7, 6, 3], n)
    kinds = ["dust", "latex", "nuts", "penicillin", "pollen"]
    allergies = [sorted({str(a) for a in rng.choice(kinds, k)}) for k in rng.poisson(0.5, n)]
    tables["patient"] = d.table(
        id=np.arange(1, n + 1),
        mrn=[f"MRN-{200017 + 3 * i}" for i in range(n)],
        first_name=first,
        last_name=last,
        birth_date=patient["birth"],
        sex=patient["sex"],
        blood_group=d.known(groups, measured),
        email=d.known(d.emails(rng, first, last), (rng.random(n) < 0.8) & ~minor),
        phone=d.known(d.phones(rng, n), rng.random(n) < np.where(patient["age"] > 70, 0.95, 0.6)),
        street=street,
        zip=places.zip[where],
        city=places.city[where],
        state=places.state[where],
        height_cm=d.known(patient["height"], measured),
        weight_kg=d.known(weight, measured),
        is_smoker=patient["smoker"],
        is_chronic=patient["chronic"],
        insurance_no=d.known(
            [
                f"{a}{b}"
                for a, b in zip(
                    d.choose(rng, ["AX", "BC", "MD"], [3, 2, 1], n), rng.integers(10**6, 10**7, n), strict=True
                )
            ],
            rng.random(n) < np.where(patient["age"] > 65, 0.98, 0.78),
        ),
        guardian_id=d.known(guardian + 1, minor),
        allergies=[a or None for a in allergies],
        registered_on=patient["registered"],
        died_on=d.known(died, rng.random(n) < np.where(patient["age"] > 70, 0.15, 0.004)),
        visit_count=visit["counts"],
    )


def _waiting_lists(rng: np.random.Generator, patient: dict[str, Array], tables: dict[str, Columns]) -> None:
    """Positions 1..n of each clinic's list, in no relation to the order of the rows."""
    people = [np.flatnonzero(patient["home"] == clinic) for clinic in range(len(CLINICS))]
    chosen = [rng.permutation(p)[: max(1, len(p) // 4)] for p in people if len(p)]
    clinics = [clinic for clinic, p in enumerate(people) if len(p)]
    position = np.concatenate([rng.permutation(len(p)) + 1 for p in chosen])
    tables["waiting_list"] = d.table(
        id=np.arange(1, len(position) + 1),
        clinic_id=np.repeat(np.array(clinics), [len(p) for p in chosen]) + 1,
        patient_id=np.concatenate(chosen) + 1,
        position=position,
    )


def _access_log(rng: np.random.Generator, patients: int, n: int, tables: dict[str, Columns]) -> None:
    """Who looked at whom; a login has no patient, everything else has one."""
    logins: list[Value] = tables["user"]["login"]
    action = d.choose(rng, ["login", "read", "update", "print"], [3, 5, 2, 0.5], n)
    at = np.datetime64("2024-11-01", "s") + d.seconds(np.sort(rng.integers(0, 60 * 86400, n)))
    tables["access_log"] = d.table(
        user_login=[logins[i] for i in d.skewed(rng, len(logins), n, 0.8)],
        patient_id=d.known(d.skewed(rng, patients, n, 0.6) + 1, action != "login"),
        action=action,
        at=at,
    )
