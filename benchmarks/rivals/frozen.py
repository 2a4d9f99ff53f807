"""Pretrained networks as they come, nothing trained on marks: timm's, by tag."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from likemark.benchmarks.model_encoder import ModelEncoder
from likemark.benchmarks.rivals.hub import Unreachable, weights_file, why_not_from_hub
from likemark.benchmarks.rivals.rival import RivalUnavailable
from likemark.db.errors import InvalidInput, ModelError
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.convert import add_model
from likemark.retrieval.models import FoundModel


@dataclass(frozen=True, slots=True)
class Frozen:
    name: str  # its row in the tables
    tag: str  # of the weights: timm's on the hub, and a file's name without its ending
    about: str  # one line
    size: int | None = None  # px of the square it sees; None: the tag's own
    backbone: str | None = None  # timm's name, where it is not the tag

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise InvalidInput(f"{self.name}: size {self.size} must be 1 px or more")


FROZEN = (
    Frozen("EfficientNet-Lite0, ImageNet", "tf_efficientnet_lite0.in1k", "mean of 224 px"),
    Frozen("EfficientNet-Lite2, ImageNet", "tf_efficientnet_lite2.in1k", "mean of 260 px"),
    Frozen("TinyViT-5M, ImageNet-22k", "tiny_vit_5m_224.dist_in22k", "mean of 224 px, in colour"),
    Frozen(
        "DINOv2 ViT-S/14, 224 px",
        "vit_small_patch14_dinov2.lvd142m",
        "class token, 224 px",
        size=224,
    ),
    Frozen(
        "DINOv2 ViT-S/14, 126 px",
        "vit_small_patch14_dinov2.lvd142m",
        "class token, 126 px",
        size=126,
    ),
    Frozen(
        "CLIP ViT-B/16",
        "vit_base_patch16_clip_224.openai",
        "class token before its projection, 224 px",
        # The weights were trained with this activation, which the plain name lacks.
        backbone="vit_base_patch16_clip_quickgelu_224.openai",
    ),
    Frozen("SigLIP ViT-B/16", "vit_base_patch16_siglip_224.webli", "attention pool, 224 px"),
)
RESNET50 = Frozen("ResNet-50, ImageNet", "resnet50.a1_in1k", "timm's recipe A1, mean of 224 px")


def load_frozen(
    frozen: Frozen, weights: Path | None, *, device: str, unreachable: Unreachable
) -> ModelEncoder:
    """From the user's folder, else from timm's hub. Raises RivalUnavailable with the reason."""
    backbone = frozen.backbone or frozen.tag
    file = weights_file(weights, frozen.tag)
    reason = None if file else why_not_from_hub(backbone, unreachable)
    if reason:
        raise RivalUnavailable(f"{reason}, and no folder holds {frozen.tag}.safetensors")
    with TemporaryDirectory(prefix="likemark-") as folder:
        try:
            found = add_model(backbone, Path(folder), weights=file)
            card = found.card if frozen.size is None else _resized(found.card, frozen.size)
            return ModelEncoder.load(
                FoundModel(card, found.folder), device=device, name=frozen.name
            )
        except ModelError as error:
            raise RivalUnavailable(str(error)) from error


def _resized(card: ModelCard, size: int) -> ModelCard:
    # timm then resamples the stored position embedding to each input, with antialiasing.
    return replace(card, input_size=size, options={"dynamic_img_size": True})
