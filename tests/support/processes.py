"""Python programs run as processes of their own, which can be talked to and killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


class Process:
    """A running program: it prints lines, and waits for one where it reads its input."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self.running = running

    @property
    def pid(self) -> int:
        return self.running.pid

    def line(self) -> str:
        assert self.running.stdout is not None
        return self.running.stdout.readline().rstrip("\n")

    def go_on(self) -> None:
        assert self.running.stdin is not None
        self.running.stdin.write("\n")
        self.running.stdin.flush()

    def end(self) -> str:
        """Wait for its end; what it printed since. The program must succeed."""
        output, errors = self.running.communicate(timeout=240)
        assert self.running.returncode == 0, errors
        return output

    def kill(self) -> None:
        self.running.send_signal(signal.SIGKILL)
        self.running.communicate()


@contextmanager
def python(program: str, *arguments: object) -> Iterator[Process]:
    """Start a program with `sys.argv[1:]` given; it is killed at the end of the block."""
    running = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        cwd=TESTS,  # so that the program can import `support`
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Process(running)
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate()
