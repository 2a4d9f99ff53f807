"""Every rival of a run, in the order of the tables."""

from __future__ import annotations

from pathlib import Path

from likemark.benchmarks.encoders import Encoder
from likemark.benchmarks.locate.found import Locator
from likemark.benchmarks.locate.rivals.keypoints import KeypointLocator, KeypointRecipe
from likemark.benchmarks.locate.rivals.published import TAG, PublishedLocator
from likemark.benchmarks.locate.rivals.sliding import SlidingLocator
from likemark.benchmarks.locate.rivals.template import TemplateLocator
from likemark.benchmarks.rivals.hub import weights_file
from likemark.retrieval.devices import AUTO


def locators(
    encoder: Encoder, *, weights: Path | None = None, device: str = AUTO
) -> tuple[Locator, ...]:
    """The rivals; the published network among them where the folder of weights has its file.

    encoder: what the sliding windows are embedded with
    Raises ModelError for weights that are no such network's.
    """
    file = weights_file(weights, TAG)
    return (
        *([PublishedLocator.load(file, device=device)] if file else []),
        SlidingLocator(encoder),
        KeypointLocator(KeypointRecipe("SIFT")),
        KeypointLocator(KeypointRecipe("ORB")),
        TemplateLocator(),
    )
