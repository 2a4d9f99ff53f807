"""The first batch as it is made, to be looked at: what augmentation does shows best in pictures."""

from __future__ import annotations

import numpy as np

from likemark.retrieval.training.observers import Preview
from likemark.retrieval.training.views import Views

MOST = 12  # groups


def preview(views: Views) -> Preview:
    """The views of the first groups of step 0, the same that are trained on."""
    slots = views.sampler.batch(0)
    order = list(dict.fromkeys(slot.group for slot in slots))[:MOST]
    shown = [
        [views.view(slots, number, 0) for number, slot in enumerate(slots) if slot.group == group]
        for group in order
    ]
    return Preview(tuple(views.corpus.names[group] for group in order), np.array(shown))
