"""Whether arrays that a model file holds fit together: compiled code reads them without looking whether a place exists.

Who alters a file can correct its checksums; then these are what stands between a wrong number and a wrong address.
Each raises ValueError, which says of a file that it is altered.
"""

from __future__ import annotations

import numpy as np


def require(sound: object, what: str) -> None:
    """ValueError unless the condition holds."""
    if not sound:
        raise ValueError(f"{what} does not fit together")


def require_vectors(what: str, kinds: str, *arrays: np.ndarray) -> None:
    """One-dimensional arrays of the given dtype kinds, all of one length."""
    require(all(a.ndim == 1 and a.dtype.kind in kinds for a in arrays), what)
    require(len({len(a) for a in arrays}) <= 1, what)


def require_tree(
    feature: np.ndarray,
    mask: np.ndarray,
    links: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    places: tuple[np.ndarray, np.ndarray],
    codes: np.ndarray,
) -> None:
    """``links``: left, right, parent; ``places``: start, end.  Children come after their parent: no walk is endless."""
    require_vectors("a tree", "i", feature, *links, *places)
    require_vectors("a tree", "i", codes)
    n, (left, right, parent), (start, end) = len(feature), links, places
    require(n > 0 and mask.shape == (n, 4) and mask.dtype == np.uint64, "a tree")
    at = np.arange(n)
    inner = feature >= 0
    for child in (left[inner], right[inner]):
        require(((child > at[inner]) & (child < n)).all(), "a tree")
    require(parent[0] == -1 and ((parent[1:] >= 0) & (parent[1:] < at[1:])).all(), "a tree")
    require(((start >= 0) & (end >= start) & (end <= len(codes))).all() and (codes >= 0).all(), "a tree")


def require_slices(what: str, starts: np.ndarray, pieces: int, length: int) -> None:
    """``starts`` (int[pieces + 1]) cut an array of that length into pieces, none of them empty."""
    require(starts.ndim == 1 and starts.dtype.kind == "i" and len(starts) == pieces + 1, what)
    require(starts[0] == 0 and (np.diff(starts) > 0).all() and starts[-1] <= length, what)
