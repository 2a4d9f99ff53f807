"""All that a training leaves in its folder beside the weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from likemark.retrieval.training.folder import LOG
from likemark.retrieval.training.observers import Observer, Observers
from likemark.retrieval.training.reports.log import Log
from likemark.retrieval.training.reports.plots import Plots, has_matplotlib
from likemark.retrieval.training.reports.sheet import PreviewSheet
from likemark.retrieval.training.reports.tensorboard import TensorBoard, has_tensorboard


def kept_in(folder: Path, tell: Callable[[str], None]) -> Observer:
    """Log, preview, and the plots and TensorBoard's events if their packages are installed.

    tell: takes a line about what is not installed
    """
    kept: list[Observer] = [Log(folder / LOG), PreviewSheet(folder)]
    if has_matplotlib():
        kept.append(Plots(folder / LOG, folder))
    if has_tensorboard():
        kept.append(TensorBoard(folder))
    lacking = [
        name
        for name, there in (("plots: matplotlib", has_matplotlib()),
                            ("TensorBoard: tensorboard", has_tensorboard()))
        if not there
    ]  # fmt: skip
    for name in lacking:
        tell(f"no {name} is not installed; pip install 'likemark[train]'")
    return Observers(*kept)
