"""Pictures decoded whole, in a process that may be lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.located import save, scene

from likemark.db.errors import LikemarkError, PictureError
from likemark.retrieval.oneshot.whole import WholeDecoder
from likemark.retrieval.pictures.limits import PictureLimits

HANG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="99" height="49"><filter id="f">'
    + '<feTurbulence baseFrequency="0.05" numOctaves="5000"/>' * 20
    + '</filter><rect width="99" height="49" filter="url(#f)"/></svg>'
)


@pytest.fixture
def decoder() -> Iterator[WholeDecoder]:
    with closing(WholeDecoder()) as opened:
        yield opened


def reason(decoder: WholeDecoder, path: Path) -> str:
    with pytest.raises(PictureError) as refused:
        decoder.read(str(path))
    assert "\n" not in str(refused.value)
    return refused.value.reason


def test_all_px_arrive_untrimmed_and_upright(decoder: WholeDecoder, tmp_path: Path) -> None:
    pixels = scene((60, 40))
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = save(tmp_path / "lying.png", np.rot90(pixels).copy(), exif=exif)
    np.testing.assert_array_equal(decoder.read(str(lying)), pixels)
    plain = save(tmp_path / "plain.png", np.full((30, 50, 3), 9, np.uint8))
    assert decoder.read(str(plain)).shape == (30, 50, 3)


def test_grey_becomes_colours_and_alpha_is_kept(decoder: WholeDecoder, tmp_path: Path) -> None:
    grey = save(tmp_path / "grey.png", scene()[..., 0])
    np.testing.assert_array_equal(decoder.read(str(grey)), scene()[..., :1].repeat(3, axis=2))
    clear = np.zeros((8, 9, 4), np.uint8)
    clear[2:5, 3:6] = (200, 0, 0, 255)
    np.testing.assert_array_equal(decoder.read(str(save(tmp_path / "clear.png", clear))), clear)


def test_what_is_refused_says_why_and_the_next_is_read(
    decoder: WholeDecoder, tmp_path: Path
) -> None:
    good = save(tmp_path / "good.png", scene())
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:300])
    (tmp_path / "text.png").write_text("no picture")
    assert reason(decoder, tmp_path / "cut.png") == "truncated"
    assert reason(decoder, tmp_path / "text.png") == "not_a_picture"
    assert reason(decoder, tmp_path / "none.png") == "missing"
    assert decoder.read(str(good)).shape == (64, 96, 3)


def test_limits_reach_the_process(tmp_path: Path) -> None:
    large = save(tmp_path / "large.png", scene(size=(100, 200)))
    with closing(WholeDecoder(PictureLimits(max_megapixels=0.01))) as decoder:
        assert reason(decoder, large) == "too_many_pixels"


def test_a_process_that_stalls_or_is_lost_is_replaced(tmp_path: Path) -> None:
    good = save(tmp_path / "good.png", scene())
    (tmp_path / "hang.svg").write_text(HANG)
    with closing(WholeDecoder(PictureLimits(seconds=1))) as decoder:
        assert reason(decoder, tmp_path / "hang.svg") == "timeout"
        assert decoder.read(str(good)).shape == (64, 96, 3)
        assert decoder._process is not None
        decoder._process.kill()
        decoder._process.wait()
        assert reason(decoder, good) == "crash"
        assert decoder.read(str(good)).shape == (64, 96, 3)


def test_what_was_stopped_is_not_asked_again(decoder: WholeDecoder, tmp_path: Path) -> None:
    good = save(tmp_path / "good.png", scene())
    decoder.read(str(good))
    decoder.stop()
    assert reason(decoder, good) == "crash"
    with pytest.raises(LikemarkError, match="closed"):
        decoder.read(str(good))
