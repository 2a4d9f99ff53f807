"""Batches from the processes that make them, with what these have to tell.

torch makes a process's error anew from its whole traceback as one text: no line for a user, and for
some errors not possible. So an error of ours comes in place of its batch, as a line.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch.utils.data import Dataset

from likemark.db.errors import LikemarkError
from likemark.retrieval.training.task import Batch


@dataclass(frozen=True, slots=True)
class Fetched:
    batch: Batch
    lost: tuple[str, ...] = ()  # a line for each picture that could not be read any more
    error: str = ""  # why there is no batch


class Losing(Dataset[Batch]):
    """Batches that do without a picture that is lost while they are made, and tell of it."""

    def lost(self) -> tuple[str, ...]:
        """A line for each since this was last asked for."""
        raise NotImplementedError


class Fetching(Dataset[Fetched]):
    """The items of a task's batches; none of them raises a LikemarkError."""

    def __init__(self, batches: Dataset[Batch]) -> None:
        self._batches = batches

    def __getitem__(self, step: int) -> Fetched:
        try:
            batch = self._batches[step]
        except LikemarkError as error:
            return Fetched((), error=str(error))
        lost = self._batches.lost() if isinstance(self._batches, Losing) else ()
        return Fetched(batch, lost)
