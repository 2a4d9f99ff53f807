"""A model as an ONNX file, held against torch before it is let out.

N pictures; S px; D dimensions. The file takes what `Embedder.embed` takes: (N, S, S, 3) uint8 RGB,
and gives (N, D) float32 unit rows.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import LikemarkError, one_line
from likemark.retrieval.models import FoundModel

if TYPE_CHECKING:
    import torch

Pixels = NDArray[np.uint8]
Rows = NDArray[np.float32]
INPUT, OUTPUT = "pixels", "rows"
LEAST_COSINE = 0.9999
OPSET = 20
_RANDOM = 8  # pictures
_BATCH = 4
_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


@dataclass(frozen=True, slots=True)
class Parity:
    """How near an ONNX file's rows are to torch's."""

    file: str
    pictures: int  # random ones and real ones
    difference: float  # largest, of any number of a row
    cosine: float  # least, of two rows for one picture


def check_onnx() -> None:
    """Raises LikemarkError unless the packages are installed."""
    for name in _PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise LikemarkError(f"{name} is not installed; run: pip install 'likemark[onnx]'")


def write_onnx(model: FoundModel, *, real: Pixels) -> Parity:
    """Write NAME.onnx beside the card.

    real: (N, S, S, 3) uint8, pictures that are compared beside random ones
    Raises LikemarkError when a network cannot be exported, or when onnxruntime's rows differ from
    torch's; no file is then left.
    """
    size = model.card.input_size
    random = np.random.default_rng(0).integers(0, 256, (_RANDOM, size, size, 3), np.uint8)
    pixels = np.concatenate([random, real])
    network = _whole(model)
    path = model.folder / f"{model.card.name}.onnx"
    try:
        _export(network, size, path)
        parity = _compared(path.name, _by_torch(network, pixels), _by_onnx(path, pixels))
        if not parity.cosine >= LEAST_COSINE:
            raise LikemarkError(
                f"{path}: the least cosine with torch's rows is {parity.cosine:.6f}, below "
                f"{LEAST_COSINE}; it is not kept"
            )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return parity


def _whole(model: FoundModel) -> torch.nn.Module:
    """From bytes to unit rows, in float32."""
    from torch import nn

    from likemark.retrieval.embedder import network_of
    from likemark.retrieval.network import Input

    class Unit(nn.Module):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return nn.functional.normalize(rows, dim=1)

    return nn.Sequential(Input(model.card), network_of(model).float(), Unit()).eval()


def _export(network: torch.nn.Module, size: int, path: Path) -> None:
    import torch

    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    said = io.StringIO()  # the exporter prints what it does
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(said):
            warnings.simplefilter("ignore")  # of timm's caches, and of torch's own code
            program: Any = torch.onnx.export(
                network, (example,), dynamo=True, verbose=False, opset_version=OPSET,
                input_names=[INPUT], output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim("N")},),
            )  # fmt: skip
            program.save(path, external_data=False)
    except (torch.onnx.errors.OnnxExporterError, OSError, ValueError) as error:
        reason = one_line(str(error), limit=200)
        raise LikemarkError(f"{path}: torch cannot export the network: {reason}") from error


def _by_torch(network: torch.nn.Module, pixels: Pixels) -> Rows:
    import torch

    with torch.inference_mode():
        parts = [network(torch.from_numpy(part)) for part in _batches(pixels)]
    rows: Rows = torch.cat(parts).numpy()
    return rows


def _by_onnx(path: Path, pixels: Pixels) -> Rows:
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    # Other numbers of pictures than the export saw.
    return np.concatenate([session.run([OUTPUT], {INPUT: part})[0] for part in _batches(pixels)])


def _batches(pixels: Pixels) -> list[Pixels]:
    return [pixels[start : start + _BATCH] for start in range(0, len(pixels), _BATCH)]


def _compared(name: str, ours: Rows, theirs: Rows) -> Parity:
    cosines = (ours * theirs).sum(axis=1)
    return Parity(name, len(ours), float(np.abs(ours - theirs).max()), float(cosines.min()))
