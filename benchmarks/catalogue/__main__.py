"""python -m likemark.benchmarks.catalogue --marks 1000000 --out catalogue.json"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from likemark.benchmarks.catalogue.questions import TIMES
from likemark.benchmarks.catalogue.run import DATABASES, result_json, run_catalogue
from likemark.benchmarks.catalogue.synthetic import Made
from likemark.benchmarks.catalogue.tables import tables
from likemark.db.errors import LikemarkError


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        made = Made(given.marks, given.dimension, given.seed)
        measured = run_catalogue(
            made, databases=tuple(given.databases.split(",")), url=given.database,
            folder=given.folder, times=given.times,
            progress=lambda line: print(line, file=sys.stderr, flush=True),
        )  # fmt: skip
    except LikemarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if given.out is not None:
        from likemark.benchmarks.runs import written_up

        words = f"python -m likemark.benchmarks.catalogue --marks {made.marks}"
        words += f" --dimension {made.dimension} --databases {given.databases}"
        document = written_up(
            "catalogue", words, result_json(made, measured),
            {"name": "made marks", **asdict(made)}, model={}, device="cpu",
        )  # fmt: skip
        given.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(tables(measured))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m likemark.benchmarks.catalogue")
    add = parser.add_argument
    add("--marks", type=int, default=1_000_000, help="to make and import [%(default)s]")
    add("--dimension", type=int, default=256, help="of their vectors; 0: none [%(default)s]")
    add("--seed", type=int, default=0)
    add("--databases", default=",".join(DATABASES), help="which [%(default)s]")
    add("--times", type=int, default=TIMES, help="to ask each question at most [%(default)s]")
    add("--database", metavar="URL", help="an empty PostgreSQL database, instead of an own server")
    add("--folder", type=Path, help="where the databases lie, and go again [the temporary folder]")
    add("--out", type=Path, metavar="FILE.json", help="write the document here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
