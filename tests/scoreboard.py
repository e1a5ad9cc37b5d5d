"""The README's table of fidelity: clones real databases and has an independent judge tell them from the originals.

    python -m tests.scoreboard JUDGE DATA [--seeds 3] [--only NAME …] [--unprotected]

JUDGE is a script ``judge.py REAL SYNTHETIC --json OUT`` that writes ``mean`` (c2st, c2st_agg, c2st_join, dist) and
``integrity``; DATA a folder of ``*.sqlite.gz``.  Needs what the judge needs.  Prints a Markdown table of means over the
seeds, with the seconds of each clone, start-up included.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

SETS = ("biodegradability", "movielens100k", "rossmann", "nafld", "completejourney", "chinook")
SCORES = ("c2st", "c2st_agg", "c2st_join", "dist")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=SETS)
    parser.add_argument("--unprotected", action="store_true")
    options = parser.parse_args()
    extra = ["--unprotected"] if options.unprotected else []
    print("| | " + " | ".join(SCORES) + " | violations | seconds |\n|---|" + "---|" * (len(SCORES) + 2))  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            real = unpacked(options.data / f"{name}.sqlite.gz", Path(folder))
            runs = list(_runs(options.judge, real, options.seeds, extra))
            means = [sum(run[score] for run in runs) / len(runs) for score in (*SCORES, "violations", "seconds")]
            cells = [f"{m:.3f}" for m in means[: len(SCORES)]] + [f"{means[-2]:.0f}", f"{means[-1]:.1f}"]
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)  # noqa: T201


def unpacked(packed: Path, folder: Path) -> Path:
    """The database of a packed file, in the folder."""
    real = folder / packed.stem
    with gzip.open(packed) as source, real.open("wb") as target:
        shutil.copyfileobj(source, target)
    return real


def _runs(judge: Path, real: Path, seeds: int, extra: list[str]) -> Iterator[dict[str, float]]:
    for seed in range(seeds):
        clone, report = real.with_suffix(f".{seed}.clone"), real.with_suffix(".json")
        began = perf_counter()
        command = [sys.executable, "-m", "dbclone", "copy", str(real), f"sqlite:///{clone}"]
        subprocess.run([*command, "--seed", str(seed), "--quiet", *extra], check=True)
        seconds = perf_counter() - began
        judged = [sys.executable, str(judge), str(real), str(clone), "--json", str(report)]
        subprocess.run(judged, check=True, stdout=subprocess.DEVNULL)
        found = json.loads(report.read_text())
        violations = sum(found["integrity"].values()) if found["integrity"] else 0
        yield {score: found["mean"][score] or 0.5 for score in SCORES} | {"violations": violations, "seconds": seconds}


if __name__ == "__main__":
    main()
