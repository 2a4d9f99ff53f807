"""Readers and savers meet, and savers are killed: there is the old state or the new one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.processes import python
from support.vectors import exact_rows

from likemark.index.faiss_index import FaissIndex
from likemark.index.protocol import Stamp

SAVE_FOR_EVER = """
    import sys
    from pathlib import Path
    import numpy as np
    from likemark.index.faiss_index import FaissIndex
    from likemark.index.protocol import Stamp
    from support.vectors import exact_rows

    folder, sizes, same = Path(sys.argv[1]), [int(n) for n in sys.argv[2].split(",")], sys.argv[3:]
    indices = []
    for size in sizes:
        index = FaissIndex.create("Flat", dimension=16)
        index.add(np.arange(size), exact_rows(size, 16))
        indices.append(index)
    print("ready", flush=True)
    while True:
        for index in indices:
            count = index.stats().count
            index.save(folder, Stamp("c", "m", 1, "t" if same else str(count)))
"""


def opened(folder: Path) -> int | None:
    """The count of what is stored, checked against its content; None: nothing yet."""
    try:
        index, stamp = FaissIndex.open(folder)
    except FileNotFoundError:
        return None
    count = index.stats().count
    assert stamp.token in ("t", str(count))
    assert index.ids().tolist() == list(range(count))
    assert index.search(exact_rows(1, 16), 1).scores.tolist() == [[1.0]]
    return count


@pytest.mark.parametrize("stamps", [[], ["same"]], ids=["new stamps", "one stamp"])
def test_a_reader_always_finds_the_old_or_the_new_state(tmp_path: Path, stamps: list[str]) -> None:
    with (
        python(SAVE_FOR_EVER, tmp_path, "1000,1500", *stamps) as one,
        python(SAVE_FOR_EVER, tmp_path, "2000,2500", *stamps) as two,
    ):
        assert (one.line(), two.line()) == ("ready", "ready")
        seen = [opened(tmp_path) for _ in range(200)]
        end = time.monotonic() + 60
        while len({*seen} - {None}) < 3 and time.monotonic() < end:
            seen.append(opened(tmp_path))
        assert one.running.poll() is two.running.poll() is None
    states = {*seen} - {None}
    assert len(states) >= 3
    assert states <= {1000, 1500, 2000, 2500}
    # Once there is a state, there always is one.
    assert None not in seen[next(n for n, count in enumerate(seen) if count) :]


@pytest.mark.parametrize("kill", range(8))
def test_a_saver_killed_at_any_moment_leaves_the_old_or_the_new_state(
    tmp_path: Path, kill: int
) -> None:
    folder = tmp_path / "index"
    with python(SAVE_FOR_EVER, folder, "20000,20001") as saver:
        assert saver.line() == "ready"
        if kill:
            # From here on there always is a state.
            while opened(folder) is None:
                assert saver.running.poll() is None
        time.sleep(0.0137 * kill)
        saver.kill()
    count = opened(folder)
    assert count in (20_000, 20_001) or (kill == 0 and count is None)
    # The next saver is not held up by what the killed one left, and sweeps it away.
    FaissIndex.create("Flat", dimension=16).save(folder, Stamp("c", "m", 1, "t"))
    assert len(list(folder.iterdir())) == 3  # head, data and lock
