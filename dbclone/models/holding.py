"""Compiled counts of entities: whether rows belong to k of them, and runs of sorted rows that do."""

from __future__ import annotations

import numpy as np

from dbclone.models.compiled import inner, kernel


@inner
def enough(rows, start, end, entities, k, met):  # type: ignore[no-untyped-def]
    """Whether rows[start:end] belong to at least k entities; ``met`` is int64[≥ k] of scratch."""
    found = 0
    for i in range(start, end):
        entity = entities[rows[i]]
        known = False
        for j in range(found):
            if met[j] == entity:
                known = True
                break
        if not known:
            met[found] = entity
            found += 1
            if found >= k:
                return True
    return False


@kernel
def runs(value, entity, alone, fewest, k, latest):  # type: ignore[no-untyped-def]
    """Cut sorted rows into runs of at least ``fewest`` rows and k entities; first row of each, and its entities.

    ``value`` int64[n] is the rank of each row's value, rising; values marked ``alone`` are runs of their own.
    ``latest`` is int64[entities] of scratch, all −1.
    """
    starts = np.zeros(value.shape[0], np.int64)
    holding = np.zeros(value.shape[0], np.int64)
    n, rows, open_ = 0, 0, False
    for i in range(value.shape[0]):
        if i == 0 or value[i] != value[i - 1]:
            single = alone[value[i]]
            if single or not open_ or (rows >= fewest and holding[n - 1] >= k):
                starts[n] = i
                n += 1
                rows = 0
            open_ = not single
        rows += 1
        if latest[entity[i]] != n:
            latest[entity[i]] = n
            holding[n - 1] += 1
    return starts[:n], holding[:n]
