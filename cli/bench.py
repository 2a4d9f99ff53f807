"""`likemark bench`"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likemark.cli import options as opt
from likemark.cli.output import note, print_json, say, table

if TYPE_CHECKING:
    from likemark.benchmarks.speed import Measure, SpeedReport

app = typer.Typer(rich_markup_mode=None, help="Measure speed and quality.")
build_app = typer.Typer(rich_markup_mode=None, help="Build a benchmark's data.")
app.add_typer(build_app, name="build")


@app.callback(epilog="Example: likemark bench speed")
def _bench() -> None:
    """Measure speed and quality."""


class Part(StrEnum):
    benchmark = "benchmark"
    training = "training"


class Benchmark(StrEnum):
    retrieval = "retrieval"
    metu = "metu"
    flickr27 = "flickr27"
    locate = "locate"
    scenes = "scenes"
    redaction = "redaction"
    invariance = "invariance"
    search = "search"
    speed = "speed"
    scale = "scale"
    all = "all"


@build_app.command("open", epilog="Example: likemark bench build open data/open")
def build_open(
    folder: Annotated[Path, typer.Argument(help="Gets manifest.csv and images/.")],
    part: Annotated[
        Part, typer.Option(help="The public benchmark, or what may be trained on.")
    ] = Part.benchmark,
    cache: Annotated[
        Path | None,
        typer.Option(help="Keep the packages here [default: not at all].", show_default=False),
    ] = None,
    npm: Annotated[str, typer.Option(help="The npm program.")] = "npm",
    json: opt.AsJson = False,
) -> None:
    """Build likemark-open from its pinned npm packages, the same bytes on every run.

    Needs Node.js's npm, a network, 100 MB of packages, 1 GB of disk and a quarter of an hour on two
    cores; a run that was stopped goes on where it was.
    """
    from likemark.benchmarks.corpus.build import build
    from likemark.benchmarks.corpus.manifest import summary

    entries = build(folder, part=part.value, cache=cache, npm=npm, progress=note)
    about = summary(folder, entries)
    if json:
        print_json(about)
    else:
        say(table(("what", "value"), [[key, value] for key, value in about.items()]))


@app.command(epilog="Example: likemark bench run retrieval --data data/open")
def run(
    benchmark: Annotated[Benchmark, typer.Argument(help="Which to run.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Its data's folder; of all: the folder that holds them."),
    ] = None,
    rivals: Annotated[
        bool, typer.Option("--rivals/--no-rivals", help="Measure the rivals too, on the same data.")
    ] = True,
    rival: Annotated[
        list[str] | None,
        typer.Option(help="Only rivals with this in their name; may be repeated."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder with the rivals' weights, named by timm's tags; of locate and scenes: "
            "published-oneshot.safetensors."
        ),
    ] = None,
    packages: Annotated[
        Path | None,
        typer.Option(
            help="Folder of locate's npm packages [default: in the cache].", show_default=False
        ),
    ] = None,
    distractors: Annotated[
        int | None, typer.Option(help="Of likemark-open, the first so many [default: all].")
    ] = None,
    subset: Annotated[
        int,
        typer.Option(
            min=1, max=6, help="FlickrLogos-27's subset whose photos locate asks: 6 is all."
        ),
    ] = 6,
    questions: Annotated[
        int | None,
        typer.Option(
            help="Of locate's questions, at most so many, from scenes of all brands [default: all]."
        ),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photos for scenes [default: photos beside the data].",
            show_default=False,
        ),
    ] = None,
    scenes: Annotated[
        int | None,
        typer.Option(help="Of redaction's photos, so many of all brands [default: all]."),
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            help="Of scale's indices, vectors [default: 10000,100000,1000000].",
            metavar="SIZES",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write JSON, Markdown, plots and index.html here.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Keep embeddings here [default: in the platform's cache folder]."),
    ] = None,
    root: opt.Root = None,
    model: opt.ModelName = "default",
    device: opt.DeviceName = "auto",
    json: opt.AsJson = False,
) -> None:
    """Run a benchmark for a model and its rivals, in one run on the same data.

    A run that was stopped goes on with the pictures that are not embedded yet.
    """
    from platformdirs import user_cache_path

    from likemark.benchmarks.pages.markdown import markdown
    from likemark.benchmarks.runs import RunOptions, folder_of, run_all
    from likemark.benchmarks.runs import run as run_one
    from likemark.benchmarks.store import PAGE, write_document, write_views

    options = RunOptions(
        cache=cache or user_cache_path("likemark") / "bench",
        data=data,
        model=model,
        models=opt.models_folder(root),
        device=device,
        with_rivals=rivals,
        chosen=tuple(rival or ()),
        weights=weights,
        packages=packages,
        distractors=distractors,
        photos=photos,
        subset=subset,
        scenes=scenes,
        sizes=_sizes(sizes, "--sizes") if sizes else (),
        questions=questions,
    )
    everything = benchmark is Benchmark.all
    runs = (
        run_all(options, progress=note)
        if everything
        else [run_one(benchmark.value, options, progress=note)]
    )
    documents = []
    for document in runs:
        documents.append(document)
        if out is not None:
            write_document(document, out)
    if out is not None:
        in_open = folder_of(benchmark.value) == "open"
        open_folder = data / "open" if everything and data else data if in_open else None
        photo_folder = data if benchmark is Benchmark.locate else None
        if everything and data:
            photo_folder = data / "flickrlogos27"
        kept = options.packages or options.cache / "packages"
        write_views(out, pictures=open_folder, photos=photo_folder, drawings=kept)
        note(f"{out / PAGE}")
    if json:
        print_json(documents if everything else documents[0])
    else:
        say("\n".join(markdown(document) for document in documents).rstrip())


@app.command(
    epilog="Example: likemark bench experiments benchmarks/training/ablation.toml --data data/open "
    "--corpus data/training --out runs"
)
def experiments(
    plan: Annotated[Path, typer.Argument(help="The base training, the seeds and the arms (TOML).")],
    data: Annotated[Path, typer.Option(help="likemark-open's folder: what is measured on.")],
    corpus: Annotated[Path, typer.Option(help="What is trained on.")],
    out: Annotated[Path, typer.Option(help="Gets a folder for each training, and the results.")],
    weights: Annotated[
        Path | None, typer.Option(help="Folder of the pretrained weights that the plan names.")
    ] = None,
    distractors: Annotated[
        int | None, typer.Option(help="Of likemark-open, the first so many [default: all].")
    ] = None,
    json: opt.AsJson = False,
) -> None:
    """Train networks that differ in one thing each, and measure what it is worth.

    Finished trainings are not repeated; one that was stopped goes on where it was.
    """
    from likemark.benchmarks.experiments.document import experiments_document
    from likemark.benchmarks.pages.markdown import markdown
    from likemark.benchmarks.store import write_document

    document = experiments_document(
        plan, data=data, corpus=corpus, weights=weights, out=out, distractors=distractors,
        progress=note,
    )  # fmt: skip
    write_document(document, out)
    print_json(document) if json else say(markdown(document).rstrip())


@app.command(epilog="Example: likemark bench page benchmarks/results --data data/open")
def page(
    results: Annotated[Path, typer.Argument(help="Folder with the JSON of runs.")],
    data: Annotated[
        Path | None, typer.Option(help="likemark-open's folder, for the pictures of failures.")
    ] = None,
    failures: Annotated[
        Path | None,
        typer.Option(help="FlickrLogos-27's folder, for the photos of locate's failures."),
    ] = None,
    packages: Annotated[
        Path | None, typer.Option(help="Folder of locate's npm packages, for its drawings.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The page.", metavar="FILE.html")] = Path(
        "results.html"
    ),
) -> None:
    """Write one self-contained page of what was measured: tables, plots and failures."""
    from likemark.benchmarks.pages.page import write_page

    write_page(results, out, pictures=data, photos=failures, drawings=packages)
    say(str(out))


@app.command(epilog="Example: likemark bench speed --vectors 10000,100000 --out speed.json")
def speed(
    pictures: Annotated[
        int | None, typer.Option(help="Pictures to index [default: 640].", show_default=False)
    ] = None,
    repetitions: Annotated[
        int | None,
        typer.Option(
            help="Of decode, network and pipeline in turn [default: 3].", show_default=False
        ),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(
            help="Sizes of index to search [default: 10000,100000,1000000].",
            metavar="SIZES",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small run, to see that it works.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the JSON document here too.", metavar="FILE.json")
    ] = None,
    device: opt.DeviceName = "auto",
    json: opt.AsJson = False,
) -> None:
    """Measure indexing, search and start-up on this machine, beside their targets.

    Takes some minutes and 3 GB of memory; other programs that run meanwhile change the figures.
    """
    from dataclasses import replace

    from likemark.benchmarks.speed import SpeedOptions, report_json, run_speed, write_json
    from likemark.db.errors import InvalidInput

    if out is not None and not out.absolute().parent.is_dir():
        raise InvalidInput(f"--out {out}: there is no such folder")
    options = SpeedOptions.quick() if quick else SpeedOptions()
    options = replace(
        options,
        pictures=options.pictures if pictures is None else pictures,
        repetitions=options.repetitions if repetitions is None else repetitions,
        vectors=options.vectors if vectors is None else _sizes(vectors, "--vectors"),
        device=device,
    )
    report = run_speed(options, progress=note)
    if out is not None:
        write_json(out, report)
    if json:
        print_json(report_json(report))
    else:
        say(_text(report))


def _sizes(text: str, option: str) -> tuple[int, ...]:
    from likemark.db.errors import InvalidInput

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InvalidInput(f"{option} {text!r}: give whole numbers, as 10000,100000") from None


def _text(report: SpeedReport) -> str:
    machine = report.machine
    memory = "" if machine.memory_gib is None else f", {machine.memory_gib:g} GiB"
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    precision = "bfloat16" if machine.bf16 else "float32"
    lines = [
        report.command,
        f"{report.date}, {machine.cpu}, {machine.cores} cores{memory}, {machine.system}",
        f"Python {machine.python}, {packages}, {report.model} on {machine.device} in {precision}",
        "",
        table(("measure", "value", "unit", "target", "met"), [_row(m) for m in report.measures()]),
    ]
    return "\n".join(lines)


def _row(measure: Measure) -> list[object]:
    target = None if measure.target is None else f"{measure.bound} {measure.target:g}"
    met = {None: None, True: "yes", False: "no"}[measure.met]
    digits = 1 if measure.value >= 100 else 2 if measure.value >= 10 else 3
    return [measure.name, f"{measure.value:,.{digits}f}", measure.unit, target, met]
