"""Every error that likemark raises on purpose.

LikemarkError                 base; one line: what was given, what is allowed, what to do next
├── InvalidInput              an argument or option that cannot be used (exit code 2)
├── NotFound                  something named does not exist: a path, a collection
│   └── NoSuchMark            nothing answers to a mark's id or number (exit code 3)
├── PictureError              one picture refused; `reason` is one of `PICTURE_REASONS`
├── ManifestError             a CSV or JSONL manifest that cannot be read, with its line
├── ModelError                a model that cannot be used
│   ├── ModelDamaged          weights and card disagree, or a file is broken
│   └── ModelMismatch         vectors of another model are in the catalogue
├── CatalogueError            the catalogue cannot be opened, upgraded or written
│   └── Busy                  another process is writing
└── IndexFault                the vector index cannot be used
    ├── IndexDamaged          its files are broken: it is rebuilt from the catalogue
    ├── IndexStale            it holds another model or another catalogue's history
    ├── IndexLost             the cluster holds no collection of this catalogue (any more)
    └── IndexUnreachable      the cluster does not answer

The tree stands in `db` because that is the lowest floor: every other package may import it.
"""

from __future__ import annotations

from typing import ClassVar

# Stable: scripts and reports count by these.
PICTURE_REASONS = {
    "missing": "no such file",
    "unreadable": "the file cannot be opened",
    "empty": "the file has no bytes",
    "too_many_bytes": "the file is larger than the limit",
    "too_many_pixels": "the picture has more pixels than the limit",
    "not_a_picture": "the bytes are no picture of a supported kind",
    "wrong_extension": "the bytes are another kind of picture than the name says",
    "truncated": "the file ends too early",
    "damaged": "the picture's data are broken",
    "svg_entities": "the SVG declares entities",
    "svg_external": "the SVG refers to something outside itself",
    "svg_nesting": "the SVG is nested too deeply",
    "svg_complex": "the SVG expands to too many elements",
    "crop_outside": "the crop rectangle does not overlap the picture",
    "timeout": "decoding took too long",
    "memory": "decoding needed too much memory",
    "crash": "the decoder ended unexpectedly",
}


class LikemarkError(Exception):
    exit_code: ClassVar[int] = 1


class InvalidInput(LikemarkError):
    exit_code = 2


class NotFound(LikemarkError):
    pass


class NoSuchMark(NotFound):
    exit_code = 3


class PictureError(LikemarkError):
    """One picture refused: `str()` is `NAME: REASON: DETAIL` on one line."""

    def __init__(self, name: str, reason: str, detail: str = "") -> None:
        assert reason in PICTURE_REASONS, reason
        self.name = one_line(name)
        self.reason = reason
        self.detail = one_line(detail or PICTURE_REASONS[reason])
        super().__init__(f"{self.name}: {reason}: {self.detail}")


class ManifestError(LikemarkError):
    pass


class ModelError(LikemarkError):
    pass


class ModelDamaged(ModelError):
    pass


class ModelMismatch(ModelError):
    pass


class CatalogueError(LikemarkError):
    pass


class Busy(CatalogueError):
    pass


class IndexFault(LikemarkError):
    pass


class IndexDamaged(IndexFault):
    pass


class IndexStale(IndexFault):
    pass


class IndexLost(IndexFault):
    pass


class IndexUnreachable(IndexFault):
    pass


def unforeseen(name: str, fault: Exception) -> LikemarkError:
    """A fault that nobody foresaw, of one file of many: the others go on."""
    said = f"{type(fault).__name__}: {one_line(str(fault), limit=160)}"
    return LikemarkError(f"{one_line(name)}: could not be done, please report this: {said}")


def one_line(text: str, *, limit: int = 300) -> str:
    """Text from outside made safe for one line of a terminal or log."""
    flat = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
