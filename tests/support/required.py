"""Programs that tests need and that a machine may lack."""

from __future__ import annotations

import os

import pytest


def missing(variable: str, reason: str) -> None:
    """Skips the test or module for this reason; fails it where the variable is set to 1."""
    if os.environ.get(variable) == "1":
        pytest.fail(f"{reason}, and {variable}=1")
    pytest.skip(reason, allow_module_level=True)
