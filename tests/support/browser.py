"""A real browser, where there is one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Browse = Callable[..., str]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage"
).split()


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """`browse(option, ...)`: run the browser once, and give what it prints."""
    binary = next(filter(None, map(shutil.which, _NAMES)), None)
    if binary is None:
        pytest.skip("no Chromium here")

    def run(*options: str) -> str:
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [binary, *_QUIET, profile, *options]
        return subprocess.run(command, capture_output=True, timeout=120, check=True).stdout.decode()

    return run
