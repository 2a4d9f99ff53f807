"""Re-make every drawing of the bundled sample collection from its pinned npm packages.

`sample/manifest.csv` and `sample/queries.csv` are curated by hand; each row names a package, a
version and an icon. This module turns those rows back into the committed SVG files, byte for byte:

    python -m likemark.benchmarks.sample_builder DIR
"""

from __future__ import annotations

import argparse
import csv
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from likemark.benchmarks.corpus.drawings import icon_svg, read_icon_set
from likemark.benchmarks.corpus.packages import pack
from likemark.db.errors import LikemarkError

__all__ = ["SAMPLE", "Drawing", "build", "read_drawings"]

SAMPLE = Path(__file__).parent / "sample"
TABLES = ("manifest.csv", "queries.csv")
FOLDERS = ("marks", "queries")
COLUMNS = ("image", "source_package", "source_version", "source_icon")  # in Drawing's order


@dataclass(frozen=True, slots=True)
class Drawing:
    """One SVG file of the sample and the icon it is made from."""

    image: str  # path below the sample folder, with forward slashes
    package: str  # npm package that holds icon-set JSON
    version: str  # exact version of that package
    icon: str  # the icon's name in the package

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.image).parts
        if len(parts) != 2 or parts[0] not in FOLDERS or not parts[1].endswith(".svg"):
            raise ValueError(f"image {self.image!r} must be marks/NAME.svg or queries/NAME.svg")
        if not (self.package and self.version and self.icon):
            raise ValueError(f"{self.image}: its row must name package, version and icon")


def read_drawings(sample: Path = SAMPLE) -> Iterator[Drawing]:
    for table in TABLES:
        with (sample / table).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield Drawing(*(row[column] for column in COLUMNS))


def fetch_icon_set(package: str, version: str, *, npm: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return read_icon_set(pack(package, version, Path(folder), npm=npm))


def by_package(drawings: Iterable[Drawing]) -> dict[tuple[str, str], list[Drawing]]:
    groups: dict[tuple[str, str], list[Drawing]] = defaultdict(list)
    for drawing in drawings:
        groups[drawing.package, drawing.version].append(drawing)
    return dict(groups)


def build(target: Path, *, npm: str = "npm") -> None:
    """Write `marks/*.svg` and `queries/*.svg` below target, as the sample's two tables list them.

    target: a folder, made when missing; files of the same name are overwritten
    npm: the npm program, by name or path
    Raises LikemarkError without npm or when a package cannot be had, InvalidInput for a wrong row.
    """
    for (package, version), drawings in sorted(by_package(read_drawings()).items()):
        icon_set = fetch_icon_set(package, version, npm=npm)
        for drawing in drawings:
            path = target / drawing.image
            path.parent.mkdir(parents=True, exist_ok=True)
            # Bytes, because text mode would rewrite the line ends on Windows.
            path.write_bytes(icon_svg(icon_set, drawing.icon).encode())


def main() -> int:
    parser = argparse.ArgumentParser(description="Re-make the sample's drawings from npm packages.")
    parser.add_argument("target", type=Path, metavar="DIR", help="gets marks/ and queries/")
    parser.add_argument("--npm", default="npm", help="the npm program (default: %(default)s)")
    given = parser.parse_args()
    try:
        build(given.target, npm=given.npm)
    except (LikemarkError, OSError, tarfile.TarError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
