"""The `likemark` command as the tests run it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as one JSON document; anything beside it is an error."""
        return json.loads(self.out)


Run = Callable[..., Outcome]
