"""A training in TensorBoard: `tensorboard --logdir RUN`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from likemark.retrieval.training.observers import Facts, Quiet, Step, Validated
from likemark.retrieval.training.reports.sheet import NAME

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def has_tensorboard() -> bool:
    return importlib.util.find_spec("tensorboard") is not None


class TensorBoard(Quiet):
    """folder: gets files of events; may hold the preview. Needs the package tensorboard."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None
        self._metric, self._pictures = "", ""

    def started(self, facts: Facts) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._metric, self._pictures = facts.metric, facts.pictures
        # What a killed run wrote of steps that are done again goes out of sight.
        purge = facts.resumed + 1 if facts.resumed else None
        self._writer = SummaryWriter(str(self._folder), purge_step=purge)

        if (self._folder / NAME).exists() and not facts.resumed:
            picture = np.asarray(Image.open(self._folder / NAME))
            self._writer.add_image("preview", picture, 0, dataformats="HWC")

    def stepped(self, step: Step) -> None:
        values = {
            "loss": step.loss,
            "rate": step.rate,
            "gradient": step.gradient,
            f"{self._pictures} per second": step.pictures / max(step.seconds, 1e-9),
            "share of time waiting": step.waiting / max(step.seconds, 1e-9),
        }
        for name, value in values.items():
            self._scalar(f"training/{name}", value, step.step)

    def validated(self, validated: Validated) -> None:
        for name, value in {self._metric: validated.value, **validated.more}.items():
            self._scalar(f"validation/{name}", value, validated.step)
        if self._writer is not None:
            self._writer.flush()

    def ended(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _scalar(self, name: str, value: float, step: int) -> None:
        if self._writer is not None:
            self._writer.add_scalar(name, value, step)
