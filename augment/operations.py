"""Every operation that a view may go through, by name, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from likemark.augment import (
    company,
    fills,
    paper,
    part_edits,
    part_inks,
    photos,
    redrawn,
    tints,
    warp,
)
from likemark.augment.marks import Job, Sheet
from likemark.augment.parts import Parts
from likemark.augment.recipe import Recipe

PartsWay = Callable[[Parts, Job], Parts]
SheetWay = Callable[[Sheet, Job], Sheet]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that may happen to a mark."""

    group: str  # operations of one group are kept or left out together
    chance: Callable[[Recipe], float]  # where its chance is written
    parts: PartsWay | None = None  # what it does to the parts
    sheet: SheetWay | None = None  # what it does, after all parts are done, to the picture
    needs_other: bool = False  # it takes another mark
    needs_photo: bool = False  # it takes a photo

    def __post_init__(self) -> None:
        if self.parts is None and self.sheet is None:
            raise ValueError(f"an operation of group {self.group!r} must do something")


def _elastic(sheet: Sheet, job: Job) -> Sheet:
    return replace(sheet, pixels=redrawn.wave(sheet.pixels, job))


OPERATIONS: dict[str, Operation] = {
    "segments recoloured": Operation(
        "segments", lambda r: r.segments.recolour, part_edits.recolour_parts),
    "segments removed": Operation(
        "segments", lambda r: r.segments.remove, part_edits.remove_parts),
    "segments rotated": Operation(
        "segments", lambda r: r.segments.rotate, part_edits.rotate_parts),
    "segments scaled": Operation("segments", lambda r: r.segments.scale, part_edits.scale_parts),
    "segments shifted": Operation("segments", lambda r: r.segments.shift, part_edits.shift_parts),
    "segment duplicated": Operation(
        "segments", lambda r: r.segments.duplicate, part_edits.duplicate_parts),
    "segment exchanged": Operation(
        "segments", lambda r: r.segments.exchange, part_edits.exchange_parts, needs_other=True),
    "thickness": Operation("redraw", lambda r: r.redraw.thickness, redrawn.change_thickness),
    "rounded": Operation("redraw", lambda r: r.redraw.round, redrawn.round_corners),
    "elastic": Operation("redraw", lambda r: r.redraw.elastic, sheet=_elastic),
    "one colour": Operation(
        "appearance", lambda r: r.appearance.one_colour, part_inks.print_in_one_colour),
    "outline": Operation("appearance", lambda r: r.appearance.outline, part_inks.draw_outline),
    "recoloured": Operation("appearance", lambda r: r.appearance.recolour, part_inks.recolour_all),
    "ground": Operation("appearance", lambda r: r.appearance.ground, part_inks.change_ground),
    "fill": Operation("appearance", lambda r: r.appearance.fill, fills.fill),
    "shadow": Operation("appearance", lambda r: r.appearance.shadow, fills.cast_shadow),
    "hue": Operation("appearance", lambda r: r.appearance.hue, sheet=tints.turn_hues),
    "jitter": Operation("appearance", lambda r: r.appearance.jitter, sheet=tints.jitter),
    "grey": Operation("appearance", lambda r: r.appearance.grey, sheet=tints.grey),
    "inverted": Operation("appearance", lambda r: r.appearance.invert, sheet=tints.negative),
    "mirrored": Operation("geometry", lambda r: r.geometry.mirror, sheet=warp.mirror),
    "flipped": Operation("geometry", lambda r: r.geometry.flip, sheet=warp.flip),
    "stretched": Operation("geometry", lambda r: r.geometry.stretch, sheet=warp.stretch),
    "quarter turn": Operation("geometry", lambda r: r.geometry.quarter, sheet=warp.quarter),
    "tilted": Operation("geometry", lambda r: r.geometry.tilt, sheet=warp.tilt),
    "turned": Operation("geometry", lambda r: r.geometry.free, sheet=warp.free),
    "perspective": Operation(
        "geometry", lambda r: r.geometry.perspective, sheet=warp.perspective),
    "cropped": Operation("geometry", lambda r: r.geometry.crop, sheet=warp.crop),
    "occluded": Operation("geometry", lambda r: r.geometry.occlusion, sheet=warp.occlude),
    "plate": Operation(
        "scene", lambda r: r.scene.plate, company.ready_for_plate, company.put_on_plate),
    "words": Operation("scene", lambda r: r.scene.text, sheet=company.add_words),
    "beside": Operation(
        "scene", lambda r: r.scene.beside, sheet=company.set_beside, needs_other=True),
    "in a photo": Operation(
        "scene", lambda r: r.scene.photo, sheet=photos.lay_on_photo, needs_photo=True),
    "blurred": Operation("capture", lambda r: r.capture.blur, sheet=paper.blur),
    "scanned": Operation("capture", lambda r: r.capture.scan, sheet=paper.scan),
    "thumbnail": Operation("capture", lambda r: r.capture.thumbnail, sheet=paper.shrink),
    "jpeg": Operation("capture", lambda r: r.capture.jpeg, sheet=paper.compress),
}  # fmt: skip
