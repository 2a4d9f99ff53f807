"""The preview of a training: a row a group, a column a view."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from likemark.retrieval.files import write_whole
from likemark.retrieval.report.text import shorten
from likemark.retrieval.training.observers import Facts, Preview, Quiet

NAME = "preview.png"
_INK, _RULE, _GROUND = "#1a1b1f", "#d5d7dd", "white"
_GAP, _TEXT = 8, 12  # px
_LABEL = 150  # px on the left, for a group's name
_LETTERS = 20  # of a name


class PreviewSheet(Quiet):
    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def started(self, facts: Facts) -> None:
        if facts.resumed or facts.preview is None:
            return
        stream = io.BytesIO()
        drawn_sheet(facts.preview()).save(stream, "PNG")
        write_whole(self._path, stream.getvalue())


def drawn_sheet(preview: Preview) -> Image.Image:
    groups, columns, height, width = preview.views.shape[:4]
    whole = _LABEL + columns * (width + _GAP), _GAP + groups * (height + _GAP)
    sheet = Image.new("RGB", whole, _GROUND)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_TEXT)
    for row, (name, views) in enumerate(zip(preview.names, preview.views, strict=True)):
        top = _GAP + row * (height + _GAP)
        label = "\n".join(shorten(part, _LETTERS) for part in name.split("/", 1)[::-1])
        pen.multiline_text((_GAP, top + height // 2), label, _INK, font, anchor="lm")
        for column, view in enumerate(views):
            left = _LABEL + column * (width + _GAP)
            sheet.paste(Image.fromarray(view), (left, top))
            pen.rectangle((left - 1, top - 1, left + width, top + height), outline=_RULE)
    return sheet
