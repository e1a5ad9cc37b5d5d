"""What is fitted on a column survives the model file, and the file holds no string that fewer than k entities hold."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from dbclone import archive
from dbclone.columns.identifier import KeyMaker
from dbclone.columns.opaque import BytesCodec, OpaqueCodec
from dbclone.columns.structured import StructuredCodec
from dbclone.columns.text import TextCodec
from dbclone.columns.written_numbers import WrittenNumberCodec
from dbclone.privacy.fakers import PiiColumn
from dbclone.schema import Column, SqlType, TypeFamily

K = 5
RARE = [f"{first}{last}qx" for first in ("Zor", "Mim", "Kel", "Tuv") for last in ("bak", "lir", "non", "pes", "gud")]
TEXT = SqlType(TypeFamily.TEXT, "text")


def fitted() -> tuple[object, ...]:
    prose = pa.array([f"The {word} of the house" for word in RARE])
    documents = pa.array([f'{{"kind": "a", "note": "{word}", "{word}": 1}}' for word in RARE])
    weights = pa.array([*(f"{i}.5 kg" for i in range(40)), *RARE[:1], None])
    mail = pa.array([f"{word}@{word}.org".lower() for word in RARE])
    return (
        TextCodec.fit(prose, K),
        KeyMaker.fit(pa.array([f"{word}-{i}" for i, word in enumerate(RARE)]), TEXT, K),
        WrittenNumberCodec.fit(weights, K),
        StructuredCodec.fit(documents, SqlType(TypeFamily.JSON, "json"), K),
        OpaqueCodec.fit(pa.array(RARE), SqlType(TypeFamily.OPAQUE, "my_type"), K, nullable=False),
        BytesCodec.fit(pa.array([word.encode() for word in RARE]), SqlType(TypeFamily.BYTES, "bytea"), K),
        PiiColumn.learn(Column("email", TEXT), "email", mail, K),
        PiiColumn.learn(Column("name", TEXT), "full_name", pa.array(RARE), K),
    )


def draws(model: tuple[object, ...]) -> list[list[object]]:
    rng = np.random.default_rng(0)
    codecs = [m for m in model if isinstance(m, TextCodec | StructuredCodec | OpaqueCodec | BytesCodec)]
    found = [codec.decode(np.full(9, codec.size - 1), rng).to_pylist() for codec in codecs]
    return [*found, *(m.make(9, rng).to_pylist() for m in model if isinstance(m, KeyMaker))]


def test_what_is_fitted_survives_the_model_file(tmp_path: Path) -> None:
    model = fitted()
    archive.save(model, tmp_path / "model")
    again = archive.load(tmp_path / "model")
    assert isinstance(again, tuple)
    assert draws(again) == draws(model)
    for kind in (PiiColumn, WrittenNumberCodec):
        assert [m for m in again if isinstance(m, kind)] == [m for m in model if isinstance(m, kind)]


def test_no_rare_string_stands_in_what_is_fitted() -> None:
    held = repr(fitted()).lower()
    assert not [word for word in RARE if word.lower() in held]
