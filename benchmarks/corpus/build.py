"""`likemark bench build open`: from pinned packages to pictures and a manifest, byte for byte."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.corpus import keys
from likemark.benchmarks.corpus.copies import clusters, distinct, near_copies
from likemark.benchmarks.corpus.curated import CURATED, kept_groups, read_curated
from likemark.benchmarks.corpus.drawings import Drawing
from likemark.benchmarks.corpus.kin import Kin
from likemark.benchmarks.corpus.manifest import Entry, Kind, write_manifest
from likemark.benchmarks.corpus.packages import SOURCES, Source, drawings, fetch, read_sources
from likemark.benchmarks.corpus.rendered import draw_package, image_path
from likemark.db.errors import LikemarkError
from likemark.retrieval.cards import file_sha256

WORK = ".work"
# Of 2,048 bits: the same icon in another grid size or a hair's breadth bolder.
DISTRACTOR_TOLERANCE = 40
# The brands of FlickrLogos-27, which measures marks that no training has seen.
NEVER_TRAINED = frozenset(
    "adidas apple bmw citroen cocacola dhl fedex ferrari ford google heineken hp hewlettpackard"
    " intel mcdonalds mini minicooper nbc nike pepsi porsche puma redbull sprite starbucks texaco"
    " unicef vodafone yahoo".split()
)


@dataclass(frozen=True, slots=True)
class Wanted:
    drawing: Drawing
    kind: Kind
    group: str  # brand or idea


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Everything that could be drawn. N drawings."""

    wanted: list[Wanted]  # N, without their SVG
    signatures: NDArray[np.uint8]  # (N, 2, 32, 32)

    def of(self, kind: Kind) -> NDArray[np.intp]:
        return np.flatnonzero([w.kind == kind for w in self.wanted])


Progress = Callable[[str], None]
Groups = dict[tuple[str, str], str]


@dataclass(frozen=True)
class Recipe:
    """What is built from what."""

    sources: list[Source]
    groups: Groups  # of the benchmark's relevant drawings, by package and name
    cache: Path  # where the npm archives are kept

    @cached_property
    def held_drawings(self) -> frozenset[str]:
        """SVG of the benchmark's distractors: the same stands in some sets by two names."""
        return frozenset(
            drawing.svg
            for source in self.sources
            for drawing in drawings(source, self.cache)
            if (idea := source.idea_of(drawing, self.known_brands))
            and keys.idea_share(idea) == "benchmark"
        )

    @cached_property
    def kin(self) -> Kin:
        named = self.groups.items()
        pairs = [(icon, group) for (_, icon), group in named]
        return Kin([*pairs, *((group.partition("/")[0], group) for _, group in named)])

    @cached_property
    def known_brands(self) -> frozenset[str]:
        logos = (source for source in self.sources if source.kind == "logos")
        found = {source.brand_of(d) for source in logos for d in drawings(source, self.cache)}
        return frozenset(found - {""})


def build(
    target: Path,
    *,
    part: keys.Share = "benchmark",
    cache: Path | None = None,
    npm: str = "npm",
    sources: Path = SOURCES,
    curated: Path = CURATED,
    progress: Progress = lambda line: None,
) -> list[Entry]:
    """Write `manifest.csv` and `images/` below target, the same bytes on every run.

    target: a folder, made when missing; a run that was killed goes on where it stopped
    cache: where the npm archives are kept; None: nowhere
    sources, curated: the tables of packages and of groups
    Raises LikemarkError when a package cannot be had, or the curated list does not fit it.
    """
    work = target / WORK
    recipe = Recipe(
        read_sources(sources), kept_groups(read_curated(curated)), cache or work / "packages"
    )
    progress(f"fetching {len(recipe.sources)} packages")
    fetch(recipe.sources, recipe.cache, npm=npm)
    drawn = _draw(recipe, part, target, progress)
    progress(f"{len(drawn.wanted):,} drawings; looking for copies")
    is_benchmark = part == "benchmark"
    chosen = _benchmark(drawn, recipe) if is_benchmark else _training(drawn, recipe, target)
    entries = sorted(_entries(drawn, chosen, target), key=lambda entry: entry.image)
    write_manifest(target, entries)
    _remove_others(target, {entry.image for entry in entries})
    shutil.rmtree(work)
    return entries


def _draw(recipe: Recipe, part: keys.Share, target: Path, progress: Progress) -> Drawn:
    select = _benchmark_part if part == "benchmark" else _training_part
    known = recipe.known_brands
    wanted: list[Wanted] = []
    signatures: list[NDArray[np.uint8]] = []
    for source in recipe.sources:
        chosen = {w.drawing.name: w for w in select(source, recipe, known)}
        record = target / WORK / part / f"{source.archive}.npz"
        found = draw_package((w.drawing for w in chosen.values()), target, record)
        wanted += [_without_svg(chosen[name]) for name in found.names]
        signatures.append(found.signatures)
        progress(f"{source.package}: {len(found.names):,} drawings")
    return Drawn(wanted, np.concatenate(signatures))


def _benchmark_part(source: Source, recipe: Recipe, known: frozenset[str]) -> Iterator[Wanted]:
    for drawing in drawings(source, recipe.cache):
        if group := recipe.groups.get((drawing.package, drawing.name)):
            yield Wanted(drawing, "relevant", group)
        elif (idea := source.idea_of(drawing, known)) and keys.idea_share(idea) == "benchmark":
            yield Wanted(drawing, "distractor", idea)


def _training_part(source: Source, recipe: Recipe, known: frozenset[str]) -> Iterator[Wanted]:
    for drawing in drawings(source, recipe.cache):
        if drawing.svg in recipe.held_drawings:
            continue
        if brand := source.brand_of(drawing, known):
            reserved = brand in NEVER_TRAINED or recipe.kin.of(drawing.name)
            if keys.brand_share(brand) == "training" and not reserved:
                yield Wanted(drawing, "brand", brand)
        elif (idea := source.idea_of(drawing, known)) and keys.idea_share(idea) == "training":
            yield Wanted(drawing, "idea", idea)


def _benchmark(drawn: Drawn, recipe: Recipe) -> dict[int, int]:
    """Drawings to keep, each with the number of its artwork in its group."""
    relevant = drawn.of("relevant")
    _check_groups([drawn.wanted[i].group for i in relevant], recipe.groups)
    others = drawn.of("distractor")
    is_copy = near_copies(drawn.signatures[others], drawn.signatures[relevant])
    others = others[~is_copy]
    # In an order that favours no set.
    order = sorted(
        others, key=lambda i: hashlib.sha256(drawn.wanted[i].drawing.id.encode()).digest()
    )
    kept = np.array(order)[distinct(drawn.signatures[order], tolerance=DISTRACTOR_TOLERANCE)]
    return dict.fromkeys([int(i) for i in (*relevant, *kept)], 0)


def _check_groups(found: list[str], groups: Groups) -> None:
    expected = Counter(groups.values())
    if expected != Counter(found):
        missing = ", ".join(sorted(expected - Counter(found))[:5])
        raise LikemarkError(f"drawings of curated groups are missing: {missing}: mend curated.csv")


def _training(drawn: Drawn, recipe: Recipe, target: Path) -> dict[int, int]:
    """As `_benchmark`; nothing that is drawn alike in the benchmark under another name."""
    folder = target / WORK / "held"
    held: list[NDArray[np.uint8]] = []
    for source in recipe.sources:
        mine = [d for d in drawings(source, recipe.cache) if (d.package, d.name) in recipe.groups]
        held.append(draw_package(mine, folder, folder / f"{source.archive}.npz").signatures)
    leaks = near_copies(drawn.signatures, np.concatenate(held))
    chosen: dict[int, int] = {}
    members: dict[tuple[str, str], list[int]] = {}
    for i in np.flatnonzero(~leaks):
        members.setdefault((drawn.wanted[i].kind, drawn.wanted[i].group), []).append(int(i))
    for indices in members.values():
        for artwork, cluster in enumerate(clusters(drawn.signatures[indices])):
            chosen.update((indices[i], artwork) for i in cluster)
    return chosen


def _entries(drawn: Drawn, chosen: dict[int, int], target: Path) -> Iterator[Entry]:
    for index, artwork in chosen.items():
        wanted = drawn.wanted[index]
        drawing = wanted.drawing
        image = image_path(drawing)
        yield Entry(
            id=drawing.id,
            image=image,
            kind=wanted.kind,
            group=wanted.group,
            artwork=artwork,
            package=drawing.package,
            version=drawing.version,
            icon=drawing.name,
            licence=drawing.licence,
            sha256=file_sha256(target / image),
        )


def _without_svg(wanted: Wanted) -> Wanted:
    return replace(wanted, drawing=replace(wanted.drawing, svg=""))


def _remove_others(target: Path, listed: set[str]) -> None:
    for path in (target / "images").rglob("*.png"):
        if path.relative_to(target).as_posix() not in listed:
            path.unlink()
