"""All that stands beside a model: the package's other ones, and all rivals, those that cannot be
had here too, for a table that leaves one out must say why."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from likemark.benchmarks.model_encoder import ModelEncoder
from likemark.benchmarks.rivals import dedup, hashes, hog, keras_resnet, orb, sscd
from likemark.benchmarks.rivals.frozen import FROZEN, RESNET50, Frozen, load_frozen
from likemark.benchmarks.rivals.hub import Unreachable, why_unreachable
from likemark.benchmarks.rivals.rival import Rival, RivalUnavailable
from likemark.db.errors import NotFound
from likemark.retrieval.devices import AUTO
from likemark.retrieval.models import NAMES, PHOTOS, SMALL, find_model

__all__ = ["Rival", "RivalUnavailable", "rivals"]

_OURS = (
    (SMALL, "the default model at 84 px, its last layer learned there"),
    (PHOTOS, "the default model, trained on with views found in made photos"),
)


def rivals(
    weights: Path | None, *, device: str = AUTO, unreachable: Unreachable = why_unreachable
) -> tuple[Rival, ...]:
    """Every rival once, by name; nothing is loaded or fetched before `Rival.load`.

    weights: a folder with files named by timm's tag (TAG.fp16.safetensors or TAG.safetensors),
    and with the files of `keras_resnet.FILE` and `sscd.FILE`; what it lacks timm fetches
    unreachable: tells whether a URL can be asked. Raises NotFound for a folder that is none.
    """
    if weights is not None and not weights.is_dir():
        raise NotFound(f"weights folder {weights}: no such folder")

    def own(name: str) -> Callable[[], ModelEncoder]:
        return lambda: ModelEncoder.load(find_model(name), device=device)

    def network(frozen: Frozen) -> Rival:
        load = partial(load_frozen, frozen, weights, device=device, unreachable=unreachable)
        return Rival(frozen.name, "vectors", f"{frozen.tag}, frozen: {frozen.about}", load)

    return (
        *(Rival(NAMES[name], "vectors", about, own(name)) for name, about in _OURS),
        Rival(hashes.PHASH, "vectors", "ImageHash's phash: 64 signs of a DCT", hashes.phash),
        Rival(hashes.DHASH, "vectors", "ImageHash's dhash: 64 signs of differences", hashes.dhash),
        Rival(hog.NAME, "vectors", "Dalal and Triggs, cells of 8 px, 1,764 numbers", hog.hog),
        Rival(
            orb.NAME,
            "scores",
            f"100 keypoints at 224 px, {orb.VERIFIED} pictures verified by a similarity transform",
            orb.load_orb,
        ),
        Rival(
            dedup.NAME,
            "vectors",
            "MobileNetV3-small of the package imagededup, frozen: mean of 224 px",
            partial(dedup.load_dedup, device=device, unreachable=unreachable),
        ),
        *map(network, FROZEN),
        _keras(weights, device) or network(RESNET50),
        Rival(
            sscd.NAME,
            "vectors",
            f"{sscd.FILE}, frozen: copy detection, 288 px",
            partial(sscd.load_sscd, weights, device=device),
        ),
    )


def _keras(weights: Path | None, device: str) -> Rival | None:
    tgz = None if weights is None else weights / keras_resnet.FILE
    if tgz is None or not tgz.is_file():
        return None
    load = partial(keras_resnet.load_keras_resnet, tgz, device=device)
    return Rival(keras_resnet.NAME, "vectors", keras_resnet.ABOUT, load)
