"""JSON documents and arrays: codes for whole values that many hold and for sets of keys; new valid ones back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns import array_text, documents, leaves
from dbclone.columns.base import NULL, contiguous, entity_counts
from dbclone.columns.documents import Json, Node
from dbclone.columns.sampling import sample, sample_rows
from dbclone.errors import PlanError
from dbclone.privacy.protection import Ints
from dbclone.schema import Column, SqlType, TypeFamily

_SAMPLE = 5_000
_MOST_KEPT = 32
_ROUNDS = 20


@dataclass(frozen=True)
class StructuredCodec:
    """Code 0 is NULL, then the kept values (whole ones that at least k entities hold), then the variants of objects.

    Where documents hold personal data, no whole one is kept.  A JSON document's variant is the set of its outermost
    keys.  Arrays and documents that are no objects have one variant.
    """

    type: SqlType
    kept: tuple[str, ...]
    root: Node

    @classmethod
    def fit(
        cls,
        values: pa.Array | pa.ChunkedArray,
        type: SqlType,  # noqa: A002
        k: int = 1,
        entities: Ints | None = None,
        name: str = "",
        *,
        private: frozenset[str] = frozenset(),
    ) -> StructuredCodec:
        """Learn from at most some thousand values, given as text.  What does not parse is passed over.

        ``name`` is the column's: it may say that the items of an array are personal data.  ``private`` words are not
        kept.
        """
        rows = sample_rows(len(values), _SAMPLE)
        texts = sample(values, _SAMPLE).cast(pa.string())
        owners = rows if entities is None else entities[rows]
        read = leaves.parsed(texts.to_pylist(), type)
        good = np.array([document is not leaves.NOT_PARSED for document in read], dtype=bool)
        docs: list[Json] = [document for document in read if document is not leaves.NOT_PARSED]  # type: ignore[misc]
        personal = {path: e.kind for path, e in leaves.personal_leaves(Column(name, type), docs).items()}
        root = documents.learn(docs, owners[good], documents.Rule(k, personal, private))
        valid = texts.filter(pa.array(good))
        return cls(type, () if personal else _kept(valid, k, None if entities is None else owners[good]), root)

    @property
    def size(self) -> int:
        return 1 + len(self.kept) + max(len(self.root.variants), 1)

    def encode(self, values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int32]:
        """The code of each value, int32[n]."""
        encoded = contiguous(values).cast(pa.string()).dictionary_encode()
        index = {text: 1 + i for i, text in enumerate(self.kept)}
        first = 1 + len(self.kept)
        distinct = encoded.dictionary.to_pylist()
        new = [text not in index for text in distinct]
        codes = [index.get(text, first) for text in distinct]
        if self.type.family is not TypeFamily.ARRAY and len(self.root.variants) > 1:
            docs = leaves.parsed([text for text, is_new in zip(distinct, new, strict=True) if is_new], self.type)
            found = iter(docs)
            codes = [
                first + documents.variant_of(self.root, next(found))  # type: ignore[arg-type]
                if is_new else code
                for code, is_new in zip(codes, new, strict=True)
            ]  # fmt: skip
        at = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        found_codes: npt.NDArray[np.int32] = np.array([NULL, *codes], dtype=np.int32)[at + 1]
        return found_codes

    def decode(self, codes: npt.NDArray[np.integer], rng: np.random.Generator, unique: bool = False) -> pa.Array:
        """A value for each code, as text; with ``unique`` no value twice, PlanError if too few can be made."""
        made = self._decode(np.asarray(codes, dtype=np.int64), rng)
        for _ in range(_ROUNDS if unique else 0):
            at = made.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
            again = np.ones(len(at), dtype=bool)
            again[np.unique(at, return_index=True)[1]] = False
            again &= at >= 0
            if not again.any():
                return made
            shapes = np.full(int(again.sum()), 1 + len(self.kept)) + rng.integers(
                0, max(len(self.root.variants), 1), int(again.sum())
            )
            made = pc.replace_with_mask(made, pa.array(again), self._decode(shapes, rng))
        if unique and pc.count_distinct(made).as_py() < len(made) - made.null_count:
            raise PlanError(f"a unique column of type {self.type.sql} cannot be given {len(made)} different values")
        return made

    def _decode(self, codes: npt.NDArray[np.int64], rng: np.random.Generator) -> pa.Array:
        fixed = pa.array([None, *self.kept], pa.string())
        shaped = codes >= len(fixed)
        made = self._make(codes[shaped] - len(fixed), rng)
        at = np.where(shaped, len(fixed) + np.cumsum(shaped) - 1, codes)
        return pa.concat_arrays([fixed, made]).take(pa.array(at))

    def _make(self, variants: npt.NDArray[np.int64], rng: np.random.Generator) -> pa.Array:
        if self.type.family is TypeFamily.ARRAY:
            return array_text.draw(self.root, len(variants), rng, self.type)
        objects = self.root.weights[documents.TYPES.index("object")] if self.root.keys else 0.0
        if not objects:
            return self.root.draw(len(variants), rng)
        bare = rng.random(len(variants)) >= objects / sum(self.root.weights)
        whole = self.root.draw(len(variants), rng, variants)
        return pc.if_else(pa.array(bare), self.root.draw(len(variants), rng), whole) if bare.any() else whole


def _kept(texts: pa.Array, k: int, entities: Ints | None) -> tuple[str, ...]:
    """Whole values that at least k entities hold, the most frequent first."""
    encoded = texts.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
    rows = np.bincount(codes, minlength=len(encoded.dictionary) + 1)[1:]
    held = entity_counts(codes, len(rows) + 1, entities)[1:]
    order = np.argsort(-rows, kind="stable")[:_MOST_KEPT]
    return tuple(encoded.dictionary[int(i)].as_py() for i in order if held[i] >= max(k, 2))
