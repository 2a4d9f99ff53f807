"""A promise of recall: asked for, kept, told, and what is said when a list is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.command import Run


@pytest.fixture
def logos(tmp_path: Path) -> Path:
    folder = tmp_path / "logos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(60):
        pixels = np.full((48, 48, 3), 255, np.uint8)
        pixels[8:40, 8:40] = np.kron(rng.integers(0, 255, (4, 4, 3)), np.ones((8, 8, 1)))
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_a_promise_is_kept_and_told(likemark: Run, logos: Path) -> None:
    done = likemark("index", logos, "--index", "IVF4,SQ8", "--recall", 0.9)
    assert (done.code, done.err.count("\n")) == (0, 0), done
    index = likemark("stats", "--json").json["index"]
    assert (index["factory"], index["exact"], index["recall_promised"]) == ("IVF4,SQ8", False, 0.9)
    assert index["recall_at_10"] >= 0.9
    assert index["recall_kept"] is True
    assert "cannot keep" not in likemark("stats").out
    assert "recall 0.9 promised; " in likemark("stats").out
    found = likemark("query", logos / "7.png", "-k", 3, "--json").json
    assert found["queries"][0]["hits"][0]["path"].endswith("7.png")
    # It stays until another is wanted, and rebuilding asks for no more than that.
    assert likemark("reindex").code == 0
    assert likemark("stats", "--json").json["index"]["recall_promised"] == 0.9
    assert likemark("reindex", "--recall", 0.95).code == 0
    assert likemark("stats", "--json").json["index"]["recall_promised"] == 0.95


def test_a_recall_that_cannot_be_promised_is_wrong_usage(likemark: Run, logos: Path) -> None:
    done = likemark("index", logos, "--recall", 1.0)
    assert (done.code, done.out) == (2, "")
    assert "recall 1.0: give 0.5 to 0.999; --index Flat is exact" in done.err


def test_a_damaged_list_is_one_line_with_what_to_run(
    likemark: Run, logos: Path, home: Path
) -> None:
    assert likemark("index", logos, "--index", "IVF4,SQ8").code == 0
    (path,) = home.rglob("lists.bin")
    content = bytearray(path.read_bytes())
    for place in range(0, len(content), 512):
        content[place] ^= 1
    path.write_bytes(content)
    done = likemark("query", logos / "7.png", "-k", 40)
    assert (done.code, done.out) == (1, "")
    assert done.err.strip().endswith("is not as it was stored; run: likemark reindex")
    assert done.err.count("\n") == 1
    assert likemark("doctor").code == 1
    assert likemark("reindex").code == 0
    assert likemark("query", logos / "7.png").code == 0
