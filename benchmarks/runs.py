"""`likemark bench run`: one benchmark from its data on the disk to the document of its result."""

from __future__ import annotations

import datetime as dt
import hashlib
import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from likemark.benchmarks.corpus.dataset import OpenBenchmark
from likemark.benchmarks.encoders import Encoder
from likemark.benchmarks.flickr27.layout import SUBSETS
from likemark.benchmarks.locate.found import Locator
from likemark.benchmarks.model_encoder import ModelEncoder
from likemark.benchmarks.protocol.run import Gallery, run_retrieval
from likemark.benchmarks.rivals.registry import Rival, RivalUnavailable, rivals
from likemark.benchmarks.rivals.scorer import Scorer
from likemark.benchmarks.speed_machine import describe_machine
from likemark.db.errors import InvalidInput
from likemark.retrieval.devices import AUTO, choose_device
from likemark.retrieval.models import DEFAULT, FoundModel, find_model

# In the order of `all`, each with the folder that it looks for there.
FOLDERS = {
    "retrieval": "open",
    "metu": "metu",
    "flickr27": "flickrlogos27",
    "locate": "flickrlogos27",
    "scenes": "open",
    "redaction": "flickrlogos27",
    "invariance": "open",
    "search": "open",
    "speed": None,
}
# Measure the shipped networks, whichever model their rivals or judges have.
FINDING = ("locate", "scenes", "redaction", "speed")
ALONE = {"scale": "open"}  # takes hours: run by its own name
Document = dict[str, Any]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    cache: Path  # folder for embeddings
    data: Path | None = None  # the benchmark's folder; of all: the folder that holds them
    model: str = DEFAULT  # name, or path of a card
    models: Path | None = None  # folder of the user's own models
    device: str = AUTO
    with_rivals: bool = True
    chosen: tuple[str, ...] = ()  # parts of rivals' names; none: all rivals
    weights: Path | None = None  # folder of the rivals' weights
    packages: Path | None = None  # folder of locate's npm packages; None: below the cache
    distractors: int | None = None  # None: all there are
    photos: Path | None = None  # folder of photos for scenes; None: "photos" beside the data
    subset: int = SUBSETS[-1]  # official one of FlickrLogos-27 whose photos locate asks: 6 is all
    scenes: int | None = None  # of redaction's photos, so many of all brands; None: all there are
    questions: int | None = None  # of locate's, at most so many, drawn by scenes; None: all
    sizes: tuple[int, ...] = ()  # of scale's indices, vectors; none: its own

    def __post_init__(self) -> None:
        if self.subset not in SUBSETS:
            raise InvalidInput(f"subset {self.subset}: must be one of {SUBSETS}")
        counts = {
            "distractors": self.distractors, "scenes": self.scenes, "questions": self.questions
        }  # fmt: skip
        for name, count in counts.items():
            if count is not None and count < 1:
                raise InvalidInput(f"{name} {count}: must be 1 or more")


def run_all(options: RunOptions, *, progress: Progress) -> Iterator[Document]:
    """Every benchmark whose folder is below `options.data`, one after the other."""
    if options.data is None:
        raise InvalidInput("--data: name the folder that holds open, flickrlogos27 or metu")
    for name, folder in FOLDERS.items():
        if folder is not None and not (options.data / folder).is_dir():
            progress(f"{name}: left out, there is no {options.data / folder}")
            continue
        if name == "scenes" and not (options.photos or options.data / "photos").is_dir():
            progress("scenes: left out, there are no photos; --photos names a folder of them")
            continue
        yield run(name, options, progress=progress, within=folder)


def folder_of(name: str) -> str | None:
    """What a benchmark's data are called where those of all stand; None: it has none of its own."""
    return {**FOLDERS, **ALONE}.get(name)


def run(
    name: str, options: RunOptions, *, progress: Progress, within: str | None = None
) -> Document:
    """One benchmark's document.

    within: the folder below `options.data`, where that holds several: it is one of `all`, whose
        chosen rivals it need not have
    Raises LikemarkError.
    """
    data = options.data
    if data is None and folder_of(name) is not None:
        raise InvalidInput(f"--data: name the folder of {name}'s data")
    found = find_model(options.model, options.models)
    place = data / within if data and within else data
    job = Job(options, found, place, progress, everything=within is not None)
    result, about = RUNNERS[name](job)
    measured = find_model() if name in FINDING else found
    return written_up(
        name,
        command(name, options, job.data),
        result,
        about,
        model={"name": measured.card.name, "fingerprint": measured.card.fingerprint},
        device=options.device,
    )


def written_up(
    name: str, command: str, result: Document, data: Document, *, model: Document, device: str
) -> Document:
    """A benchmark's document: the result and everything that it depends on."""
    return {
        "benchmark": name,
        "command": command,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": asdict(describe_machine(choose_device(device))),
        "model": model,
        "data": data,
        "result": result,
    }


def command(name: str, options: RunOptions, data: Path | None) -> str:
    """What repeats the run; folders by their last name, for paths are nobody's business."""
    words = ["likemark bench run", name]
    words += [f"--data {shlex.quote(data.name)}"] if data else []
    words += [f"--model {Path(options.model).name}"] if options.model != DEFAULT else []
    words += [f"--distractors {options.distractors}"] if options.distractors else []
    if options.subset != SUBSETS[-1] and name == "locate":
        words += [f"--subset {options.subset}"]
    words += [f"--questions {options.questions}"] if options.questions and name == "locate" else []
    words += [f"--scenes {options.scenes}"] if options.scenes and name == "redaction" else []
    words += [f"--photos {shlex.quote(options.photos.name)}"] if options.photos else []
    words += [f"--sizes {','.join(map(str, options.sizes))}"] if options.sizes else []
    if name in ("retrieval", "flickr27", "locate", "scenes", "scale"):
        words += [] if options.with_rivals else ["--no-rivals"]
        words += [f"--rival {shlex.quote(part)}" for part in options.chosen]
    if name in ("retrieval", "flickr27", "locate", "scenes"):
        words += [f"--weights {shlex.quote(options.weights.name)}"] if options.weights else []
    return " ".join(words)


class Named(Protocol):
    @property
    def name(self) -> str: ...


SomeNamed = TypeVar("SomeNamed", bound=Named)


@dataclass(frozen=True, slots=True)
class Job:
    """What the run of one benchmark is given."""

    options: RunOptions
    found: FoundModel
    data: Path | None  # this benchmark's own folder
    progress: Progress
    everything: bool = False  # it is one of `all`

    @property
    def folder(self) -> Path:
        assert self.data is not None  # `run` has seen to it
        return self.data

    def model(self) -> ModelEncoder:
        return ModelEncoder.load(self.found, device=self.options.device)

    def rivals(self) -> tuple[Rival, ...]:
        if not self.options.with_rivals:
            return ()
        every = rivals(self.options.weights, device=self.options.device)
        others = tuple(rival for rival in every if rival.name != self.found.card.name)
        return self.choose(others)

    def choose(self, every: tuple[SomeNamed, ...]) -> tuple[SomeNamed, ...]:
        return choose(every, self.options.chosen, strict=not self.everything)

    def benchmark(self) -> OpenBenchmark:
        return OpenBenchmark.read(self.folder, distractors=self.options.distractors)


def choose(
    everything: tuple[SomeNamed, ...], parts: tuple[str, ...], *, strict: bool = True
) -> tuple[SomeNamed, ...]:
    """The rivals whose name holds one of the parts, in any case; all where none is given.

    Raises InvalidInput for a part that no name holds, where that is asked for.
    """
    for part in parts:
        if strict and not any(part.casefold() in rival.name.casefold() for rival in everything):
            names = ", ".join(rival.name for rival in everything)
            raise InvalidInput(f"--rival {part!r}: there is none; there are: {names}")
    return tuple(
        rival
        for rival in everything
        if not parts or any(part.casefold() in rival.name.casefold() for part in parts)
    )


Outcome = tuple[Document, Document]  # the result, and what its data is


def _retrieval(job: Job) -> Outcome:
    benchmark = job.benchmark()
    gallery = Gallery(benchmark, job.options.cache, job.progress)
    result = run_retrieval(gallery, job.model(), job.rivals())
    return asdict(result), {"name": "likemark-open", "sha256": benchmark.data}


def _invariance(job: Job) -> Outcome:
    from likemark.benchmarks.protocol.invariance import run_invariance

    benchmark = job.benchmark()
    gallery = Gallery(benchmark, job.options.cache, job.progress)
    result = run_invariance(gallery, job.model())
    return asdict(result), {"name": "likemark-open", "sha256": benchmark.data}


def _search(job: Job) -> Outcome:
    from likemark.benchmarks.protocol.search_time import run_search_time

    benchmark = job.benchmark()
    gallery = Gallery(benchmark, job.options.cache, job.progress)
    result = run_search_time(gallery, job.model())
    return asdict(result), {"name": "likemark-open", "sha256": benchmark.data}


def _flickr27(job: Job) -> Outcome:
    from likemark.benchmarks.flickr27.places import FinderPlaces
    from likemark.benchmarks.flickr27.run import run_flickr27
    from likemark.benchmarks.locate.one_shot import OneShotLocator
    from likemark.retrieval.oneshot.finder import Finder

    finder = Finder.load(device=job.options.device)
    places = FinderPlaces(finder, OneShotLocator(finder).fingerprint)
    encoders = [job.model(), *_encoders(job)]
    result = run_flickr27(job.folder, encoders, progress=job.progress, places=places)
    return asdict(result), {"name": "FlickrLogos-27", "sha256": result.data}


def _encoders(job: Job) -> Iterator[Encoder]:
    for rival in job.rivals():
        if rival.kind != "vectors":
            job.progress(f"{rival.name}: left out, it has no vectors")
            continue
        try:
            system = rival.load()
        except RivalUnavailable as error:
            job.progress(f"{rival.name}: {error}")
            continue
        if not isinstance(system, Scorer):
            yield system


def _locate(job: Job) -> Outcome:
    from likemark.benchmarks.locate.one_shot import OneShotLocator
    from likemark.benchmarks.locate.photos import locate_in_photos
    from likemark.retrieval.oneshot.finder import Finder

    options = job.options
    chosen = (OneShotLocator(Finder.load(device=options.device)), *_rival_locators(job))
    packages = options.packages or options.cache / "packages"
    result = locate_in_photos(
        job.folder, chosen, cache=options.cache, packages=packages, subset=options.subset,
        questions=options.questions, progress=job.progress,
    )  # fmt: skip
    return asdict(result), {"name": "FlickrLogos-27", "sha256": result.answers.data}


def _rival_locators(job: Job) -> tuple[Locator, ...]:
    from likemark.benchmarks.locate.rivals.registry import locators

    options = job.options
    if not options.with_rivals:
        return ()
    every = locators(job.model(), weights=options.weights, device=options.device)
    return job.choose(every)


def _scenes(job: Job) -> Outcome:
    from likemark.benchmarks.locate.made import locate_in_made_scenes
    from likemark.benchmarks.locate.one_shot import OneShotLocator
    from likemark.retrieval.oneshot.finder import Finder

    options, benchmark = job.options, job.benchmark()
    chosen = (OneShotLocator(Finder.load(device=options.device)), *_rival_locators(job))
    photos = options.photos or job.folder.resolve().parent / "photos"
    result = locate_in_made_scenes(
        benchmark, photos, chosen, cache=options.cache, progress=job.progress
    )
    return asdict(result), {"name": "likemark-open in photos", "sha256": result.answers.data}


def _redaction(job: Job) -> Outcome:
    from likemark.benchmarks.redaction.finding import NetworkFinding
    from likemark.benchmarks.redaction.run import run_redaction

    finding = NetworkFinding.load(device=job.options.device)
    result = run_redaction(
        job.folder, finding, job.model(), scenes=job.options.scenes, progress=job.progress
    )
    return asdict(result), {"name": "FlickrLogos-27", "sha256": result.data}


def _scale(job: Job) -> Outcome:
    from likemark.benchmarks.scale.engines.registry import contenders
    from likemark.benchmarks.scale.material import read_material
    from likemark.benchmarks.scale.run import SIZES, run_scale

    options, benchmark = job.options, job.benchmark()
    everything = contenders()
    own = tuple(each for each in everything if each.own)
    rivals = tuple(each for each in everything if not each.own)
    chosen = choose(rivals, options.chosen) if options.with_rivals else ()
    material = read_material(benchmark, job.model(), options.cache, progress=job.progress)
    result = run_scale(
        material, (*own, *chosen), options.cache, sizes=options.sizes or SIZES,
        named=bool(options.chosen), progress=job.progress,
    )  # fmt: skip
    return asdict(result), {"name": "drawn around likemark-open", "sha256": result.data}


def _metu(job: Job) -> Outcome:
    from likemark.benchmarks.embedded import embedded
    from likemark.benchmarks.metu.collection import read_folder
    from likemark.benchmarks.metu.evaluate import evaluate
    from likemark.benchmarks.metu.pictures import MetuPictures

    collection = read_folder(job.folder)
    # With their sizes: a picture that was missing, or is another now, is embedded anew.
    each = (f"{name} {_size(job.folder / name)}" for name in collection.names)
    data = hashlib.sha256("\n".join(each).encode()).hexdigest()
    queries = len(collection.groups)
    pictures = MetuPictures(job.folder, collection.names, queries, job.progress)
    rows = embedded(job.model(), pictures, job.options.cache, data=data, progress=job.progress)
    about = {"name": "METU", "sha256": data, "of": "names and sizes, in order"}
    return asdict(evaluate(rows, collection.groups)), about


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _speed(job: Job) -> Outcome:
    from likemark.benchmarks.speed import SpeedOptions, report_json, run_speed

    report = run_speed(SpeedOptions(device=job.options.device), progress=job.progress)
    return report_json(report), {"name": "the bundled sample"}


RUNNERS: dict[str, Callable[[Job], Outcome]] = {
    "retrieval": _retrieval,
    "metu": _metu,
    "flickr27": _flickr27,
    "locate": _locate,
    "scenes": _scenes,
    "redaction": _redaction,
    "invariance": _invariance,
    "search": _search,
    "speed": _speed,
    "scale": _scale,
}
