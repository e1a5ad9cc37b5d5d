"""The clinic's staff: a tree of employees per clinic, departments whose heads belong to them, doctors, rooms, users."""

from __future__ import annotations

import numpy as np

from .. import drawing as d  # noqa: TID252 (the name of the package differs in a wheel)
from ..drawing import Array, Columns, Value  # noqa: TID252
from .catalogue import CLINICS, DEPARTMENTS, SPECIALTIES  # noqa: TID252

PAY = {0: (170_000, 200_000), 1: (120_000, 160_000), 2: (75_000, 115_000), 3: (38_000, 70_000)}
"""Salary by level: a manager always earns more than those below."""


def staff(rng: np.random.Generator, per_department: int, tables: dict[str, Columns]) -> dict[str, Array]:
    """Departments, employees, users, doctors and rooms; returns per doctor the clinic, number and specialty."""
    department, level, manager = _tree(per_department)
    n = len(department)
    heads = [
        int(np.flatnonzero((department == k) & (level <= 1))[0]) + 1 for k in range(len(CLINICS) * len(DEPARTMENTS))
    ]
    tables["department"] = d.table(
        id=np.arange(1, len(heads) + 1),
        clinic_id=np.repeat(np.arange(1, len(CLINICS) + 1), len(DEPARTMENTS)),
        name=DEPARTMENTS * len(CLINICS),
        head_id=d.known(heads, rng.random(len(heads)) < 0.9),
    )
    first, last = d.people(rng, n)
    role = _roles(rng, department, level)
    low, high = (np.array([PAY[int(v)][side] for v in level]) for side in (0, 1))
    hired = d.days("2005-01-01", rng.integers(0, 5800, n) - 500 * (3 - level) + 1500)
    tables["employee"] = d.table(
        id=np.arange(1, n + 1),
        department_id=department + 1,
        manager_id=d.known(manager, manager > 0),
        deputy_id=_deputies(rng, department),
        first_name=first,
        last_name=last,
        email=d.emails(rng, first, last),
        role=role,
        level=level,
        salary=np.rint(low + (high - low) * rng.random(n)),
        hired_on=hired,
        left_on=d.known(
            hired + rng.integers(200, 3000, n).astype("timedelta64[D]"), (rng.random(n) < 0.1) & (level == 3)
        ),
    )
    _users(rng, role, tables)
    return _doctors(rng, department, role, tables)


def _tree(per_department: int) -> tuple[Array, Array, Array]:
    """Department, level and manager (0: none) of each employee: director, heads, seniors, juniors."""
    department: list[int] = []
    level: list[int] = []
    manager: list[int] = []
    for clinic in range(len(CLINICS)):
        director = len(department) + 1
        for k in range(len(DEPARTMENTS)):
            head = len(department) + 1
            for i in range(per_department):
                middle = 2 if k else 1
                rank = middle - 1 if i == 0 else (middle if i <= max(1, per_department // 3) else 3)
                senior = head + 1 + (i % max(1, per_department // 3))
                department.append(clinic * len(DEPARTMENTS) + k)
                level.append(rank)
                manager.append({0: 0, 1: director, 2: head, 3: senior}[rank])
    return np.array(department), np.array(level), np.array(manager)


def _roles(rng: np.random.Generator, department: Array, level: Array) -> Array:
    kind = np.array(DEPARTMENTS)[department % len(DEPARTMENTS)]
    medical = np.isin(kind, list(SPECIALTIES))
    junior = d.choose(rng, ["nurse", "assistant"], [4, 1], len(level))
    return np.where(
        kind == "Management", "manager", np.where(~medical, "technician", np.where(level <= 2, "doctor", junior))
    )


def _deputies(rng: np.random.Generator, department: Array) -> Array:
    """Who stands in: oneself for three in ten, otherwise somebody of the department."""
    first, size = np.searchsorted(department, department), np.bincount(department)[department]
    other = first + (rng.random(len(department)) * size).astype(int) + 1
    return np.where(rng.random(len(department)) < 0.3, np.arange(1, len(department) + 1), other)


def _users(rng: np.random.Generator, role: Array, tables: dict[str, Columns]) -> None:
    chosen = np.flatnonzero(rng.random(len(role)) < np.where(role == "doctor", 1.0, 0.6))
    logins = [str(tables["employee"]["email"][i]).split("@")[0].replace(".", "_") for i in chosen]
    seen = np.datetime64("2024-12-01", "s") + d.seconds(rng.integers(0, 30 * 86400, len(chosen)))
    group = {"doctor": "medical", "nurse": "medical", "assistant": "front", "technician": "lab", "manager": "admin"}
    tables["user"] = {
        "employeeId": d.plain(chosen + 1),
        "login": list(logins),
        "group": [group[str(r)] for r in role[chosen]],
        "lastLogin": d.known(seen, rng.random(len(chosen)) < 0.9),
    }


def _doctors(rng: np.random.Generator, department: Array, role: Array, tables: dict[str, Columns]) -> dict[str, Array]:
    who = np.flatnonzero(role == "doctor")
    clinic = department[who] // len(DEPARTMENTS)
    names = np.array(DEPARTMENTS)[department[who] % len(DEPARTMENTS)]
    specialty = np.array([str(rng.choice(SPECIALTIES[str(name)])) for name in names])
    counts = np.bincount(clinic, minlength=len(CLINICS))
    number = d.position(counts) + 1
    tables["doctor"] = d.table(clinic_id=clinic + 1, doctor_no=number, employee_id=who + 1, specialty=specialty)
    rooms = rng.integers(9, 16, len(CLINICS))
    room_no = d.position(rooms) + 1
    kind: list[Value] = [
        "surgery" if k % 5 == 0 else "laboratory" if k % 7 == 0 else "office" for k in room_no.tolist()
    ]
    tables["room"] = d.table(
        clinic_id=np.repeat(np.arange(1, len(CLINICS) + 1), rooms), room_no=100 + room_no, kind=kind, floor=room_no // 6
    )
    return {"clinic": clinic, "number": number, "specialty": specialty, "rooms": rooms}
