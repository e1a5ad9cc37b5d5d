"""The clinic's reference tables, and terms that its modules share."""

from __future__ import annotations

import numpy as np

from .. import drawing as d  # noqa: TID252 (the name of the package differs in a wheel)
from ..drawing import Array, Columns  # noqa: TID252

FIRST_DAY, LAST_DAY = np.datetime64("2022-01-03", "D"), np.datetime64("2024-12-31", "D")
CLINICS = [
    ("Harbour Clinic", "Boston", "MA"),
    ("Lakeside Clinic", "Chicago", "IL"),
    ("Hill Clinic", "Seattle", "WA"),
    ("Garden Clinic", "Atlanta", "GA"),
    ("River Clinic", "Portland", "OR"),
    ("Old Town Clinic", "Denver", "CO"),
]
DEPARTMENTS = ["Management", "Medicine", "Surgery", "Pediatrics", "Laboratory"]
SPECIALTIES = {
    "Medicine": ["internal", "cardiology", "general"],
    "Surgery": ["surgery", "orthopedics"],
    "Pediatrics": ["pediatrics"],
}
DIAGNOSES = d.words("diagnoses.txt").tolist()
TESTS = {
    "GLU": ("Glucose", "mg/dL", 70.0, 125.0),
    "CHOL": ("Cholesterol", "mg/dL", 100.0, 240.0),
    "HB": ("Hemoglobin", "g/dL", 11.5, 17.5),
    "CRP": ("C-reactive protein", "mg/L", 0.0, 10.0),
}
SERVICES = {
    "CONS": ("Consultation", 80.0),
    "LONG": ("Long consultation", 140.0),
    "LAB": ("Laboratory work", 35.5),
    "XRAY": ("X-ray", 120.0),
    "BAND": ("Bandage", 22.4),
    "VACC": ("Vaccination", 45.0),
    "CERT": ("Certificate", 15.0),
    "ECG": ("ECG", 95.0),
}
VACCINES = {"influenza": "Alder Labs", "hepatitis": "Birkwood", "tetanus": "Cormorant", "measles": "Birkwood"}


def diagnosis_codes() -> Array:
    """All codes, in the order of the table."""
    return np.array([entry.split()[0] for entry in DIAGNOSES])


def reference_tables() -> dict[str, Columns]:
    """Tables that do not depend on the seed."""
    entries = [entry.split(" ", 3) for entry in DIAGNOSES]
    return {
        "configuration": d.table(
            only_row=[True], group_name=["Six Clinics"], currency=["USD"], go_live_on=["2017-05-02"]
        ),
        "diagnosis": d.table(
            code=[e[0] for e in entries],
            label=[e[3] for e in entries],
            chapter_no=[int(e[1]) for e in entries],
            chapter=[e[2] for e in entries],
        ),
        "lab_test": d.table(
            code=list(TESTS),
            label=[t[0] for t in TESTS.values()],
            unit=[t[1] for t in TESTS.values()],
            low=[t[2] for t in TESTS.values()],
            high=[t[3] for t in TESTS.values()],
        ),
        "service": d.table(
            code=list(SERVICES), label=[s[0] for s in SERVICES.values()], price=[s[1] for s in SERVICES.values()]
        ),
        "clinic": d.table(
            id=list(range(1, len(CLINICS) + 1)),
            name=[c[0] for c in CLINICS],
            city=[c[1] for c in CLINICS],
            state=[c[2] for c in CLINICS],
            closed_on=[None] * len(CLINICS),
        ),
    }
