"""How long one mark is looked for in a scene of a megapixel, from one picture of it.

`python -m likemark.benchmarks.speed_locating` prints one JSON document. The scene is drawn, the
demonstration's marks on it; what is measured hardly depends on what a scene shows. Decoding and
the loading of the networks are left out.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass

import numpy as np

from likemark.augment.pixels import Pixels
from likemark.benchmarks.demo_scene import QUERY, demo_scene
from likemark.db.errors import InvalidInput
from likemark.retrieval.devices import AUTO
from likemark.retrieval.oneshot.finder import Ask, Finder
from likemark.retrieval.pictures.load import load_picture

SIZE = (868, 1152)  # H, W of the scene, px
MOST_SECONDS = 1.5  # of a megapixel


@dataclass(frozen=True, slots=True)
class LocateSpeed:
    megapixels: float
    runs: int  # each with a scene that is new to the finder; the best one counts
    seconds: float  # wall time of the first query
    core_seconds: float  # of all cores, of the same run
    again: float  # wall time of a second query in the same scene
    places: int  # that were found

    @property
    def per_megapixel(self) -> float:
        return self.seconds / self.megapixels

    @property
    def met(self) -> bool:
        return self.per_megapixel <= MOST_SECONDS


def measure_locating(finder: Finder, *, size: tuple[int, int] = SIZE, runs: int = 3) -> LocateSpeed:
    """size: H, W of the scene, px. Raises InvalidInput."""
    if min(size) < 32 or runs < 1:
        raise InvalidInput(f"size {size}, {runs} runs: give 32 px or more and 1 run or more")
    scene, query = demo_scene(size), load_picture(QUERY)
    ask, other = finder.ask(query), finder.ask(np.ascontiguousarray(query[:, ::-1]))
    _timed(finder, scene.copy(), ask, other)  # not counted: it warms up
    timed = [_timed(finder, scene.copy(), ask, other) for _ in range(runs)]
    seconds, core_seconds, again, places = min(timed)
    megapixels = size[0] * size[1] / 1e6
    return LocateSpeed(megapixels, runs, seconds, core_seconds, again, places)


def _timed(finder: Finder, scene: Pixels, ask: Ask, other: Ask) -> tuple[float, float, float, int]:
    core, start = time.process_time(), time.perf_counter()
    places = len(finder.locate(scene, [ask]))
    seconds, cores = time.perf_counter() - start, time.process_time() - core
    finder.locate(scene, [other])
    return seconds, cores, time.perf_counter() - start - seconds, places


def main() -> None:
    parser = argparse.ArgumentParser(description="Time one mark looked for in a drawn scene.")
    parser.add_argument("--height", type=int, default=SIZE[0], help="px")
    parser.add_argument("--width", type=int, default=SIZE[1], help="px")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--device", default=AUTO)
    given = parser.parse_args()
    finder = Finder.load(device=given.device)
    speed = measure_locating(finder, size=(given.height, given.width), runs=given.runs)
    document = {**asdict(speed), "per_megapixel": speed.per_megapixel, "met": speed.met}
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
