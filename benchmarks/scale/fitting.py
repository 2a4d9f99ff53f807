"""The mixture of some real vectors, and how like them its draws are: fitted once, and kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from likemark.benchmarks.embedded import Progress
from likemark.benchmarks.scale.likeness import Likeness, calibrated, compared
from likemark.benchmarks.scale.material import Material
from likemark.benchmarks.scale.mixture import Mixture
from likemark.retrieval.files import whole_file

_ARRAYS = ("real", "starts", "means", "directions", "rest", "order")


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    mixture: Mixture
    kinship: float
    likeness: tuple[Likeness, ...]  # real, then drawn, at equal N


def fitted(material: Material, cache: Path, *, seed: int, progress: Progress) -> Fitted:
    """From the cache where it is there. Raises InvalidInput for too few real vectors."""
    path = cache / f"fit-{material.digest[:16]}-{seed}.npz"
    if path.exists():
        return _read(path)
    progress(f"fitting a mixture to {len(material.known):,} vectors")
    mixture = Mixture.fit(material.known, seed=seed)
    kinship, judged = calibrated(material, seed=seed, progress=progress)
    alike = (*judged, compared(mixture, material, kinship, seed=seed))
    about = json.dumps({"kinship": kinship, "likeness": [asdict(each) for each in alike]})
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        np.savez(
            file, about=np.array(about), real=mixture.real, starts=mixture.starts,
            means=mixture.means, directions=mixture.directions, rest=mixture.rest,
            order=mixture.order,
        )  # fmt: skip
    return Fitted(mixture, kinship, alike)


def _read(path: Path) -> Fitted:
    with np.load(path, allow_pickle=False) as data:
        about = json.loads(str(data["about"]))
        mixture = Mixture(*(data[name] for name in _ARRAYS))
    alike = tuple(_likeness(each) for each in about["likeness"])
    return Fitted(mixture, about["kinship"], alike)


def _likeness(given: dict[str, Any]) -> Likeness:
    plain: dict[str, Any] = {
        name: tuple(x) if isinstance(x, list) else x for name, x in given.items()
    }
    return Likeness(**plain)
