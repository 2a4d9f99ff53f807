"""Every rival of a run, in the order of the tables."""

from __future__ import annotations

from likemark.benchmarks.encoders import Encoder
from likemark.benchmarks.locate.found import Locator
from likemark.benchmarks.locate.rivals.keypoints import KeypointLocator, KeypointRecipe
from likemark.benchmarks.locate.rivals.sliding import SlidingLocator
from likemark.benchmarks.locate.rivals.template import TemplateLocator


def locators(encoder: Encoder) -> tuple[Locator, ...]:
    """The rivals. encoder: what the sliding windows are embedded with."""
    return (
        SlidingLocator(encoder),
        KeypointLocator(KeypointRecipe("SIFT")),
        KeypointLocator(KeypointRecipe("ORB")),
        TemplateLocator(),
    )
