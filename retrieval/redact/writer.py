"""A video file written frame by frame, everything but its px carried over from another one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, BinaryIO

from likemark.db.errors import LikemarkError, one_line
from likemark.retrieval.redact.film import Film
from likemark.retrieval.redact.signs import holds_picture

if TYPE_CHECKING:
    from av import VideoFrame
    from av.codec import Codec
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

# Codec -> its encoders, the best first; any other codec's encoder has the codec's own name.
_ENCODERS = {
    "h264": ("libx264",), "hevc": ("libx265",), "vp8": ("libvpx",), "vp9": ("libvpx-vp9",),
    "av1": ("libsvtav1", "libaom-av1"), "prores": ("prores_ks",), "theora": ("libtheora",),
}  # fmt: skip
_INSTEAD = ("libx264", "libvpx-vp9", "mpeg4")  # where a codec has no encoder here
# Settings by which a film that is encoded once more looks as it did.
_SCALE = {"flags": "+qscale", "global_quality": str(2 * 118)}  # 118: FFmpeg's unit of it
_QUALITY: Mapping[str, Mapping[str, str]] = {
    "libx264": {"crf": "17"},
    "libx265": {"crf": "19", "x265-params": "log-level=error"},
    "libvpx": {"crf": "8", "b": "8M"},
    "libvpx-vp9": {"crf": "24", "b": "0"},
    "libsvtav1": {"crf": "24"},
    **dict.fromkeys(("mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "msmpeg4v3", "h263"), _SCALE),
}
# What containers take, of which FFmpeg keeps no list.
_ALSO = {
    "mpegts": {"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4"},
    "mpeg": {"h264", "mpeg1video", "mpeg2video"},
}
# A file's own, which the new file states for itself.
_OWN = {"major_brand", "minor_version", "compatible_brands", "encoder", "ENCODER", "DURATION"}
_MPEG4_UNITS = 65535  # the most units a second that MPEG-4 part 2 can state
_FINE = Fraction(1, 90000)  # seconds: MPEG's own unit of time

Tell = Callable[[str], None]  # takes a line for the user


class Writer:
    """The container that is written, its video stream, and the streams copied into it."""

    def __init__(
        self, stream: BinaryIO, form: str, film: Film, source: InputContainer, tell: Tell
    ) -> None:
        """form: FFmpeg's name of the container. Raises LikemarkError where it takes no video."""
        import av

        options = {"movflags": "use_metadata_tags"} if form in ("mp4", "mov") else {}
        self.container: OutputContainer = av.open(stream, "w", format=form, options=options)
        self._last: int | None = None
        self._name, self._tell = film.name, tell
        self._counts = False  # the encoder counts frames, which have no times of their own
        self._begin: Fraction | None = None  # seconds, of the first frame of such a one
        self.unseen = 0  # streams of other px: cover pictures, further views
        try:
            self.video = self._video(film, form)
            self._copies = self._copied(source)
            self._describe(source)
        except BaseException:
            self.container.close()
            raise

    def write(self, frame: VideoFrame) -> None:
        """Encode a frame at its own time."""
        from av.video.frame import PictureType

        frame.pict_type = PictureType.NONE  # the encoder chooses its own key frames
        time = self._time(frame)
        frame.pts = time - self._begin_at(time, frame) if self._counts else time
        same = frame.format.name == self.video.pix_fmt
        taken = frame if same else frame.reformat(format=self.video.pix_fmt)
        self._mux(self.video.encode(taken))
        frame.pts = time

    def copy(self, packet: Packet[Any]) -> None:
        """Pass on a packet of a stream that is copied; any other is dropped."""
        goal = self._copies.get(packet.stream.index)
        if goal is not None and packet.dts is not None:
            packet.stream = goal
            self.container.mux(packet)

    def close(self) -> None:
        """Write what the encoder still holds, and the end of the file."""
        self._mux(self.video.encode(None))
        self.container.close()

    def _begin_at(self, time: int, frame: VideoFrame) -> int:
        """The first frame's time, in units of a frame's: an encoder that counts frames rounds it.

        time: the frame's own
        """
        base = frame.time_base or self.video.time_base or Fraction(1, 25)
        if self._begin is None:
            self._begin = time * base
        return round(self._begin / base)

    def _mux(self, packets: Iterable[Packet[Any]]) -> None:
        for packet in packets:
            if self._begin is not None:
                _delay(packet, self._begin)
            self.container.mux(packet)

    def _time(self, frame: VideoFrame) -> int:
        """In units of the frame's time base: after the last one's, even where a file errs."""
        base = frame.time_base or self.video.time_base or Fraction(1, 25)
        step = max(1, round(1 / (self.video.codec_context.framerate * base)))
        stated = frame.pts if frame.pts is not None else frame.dts
        after = 0 if self._last is None else self._last + step
        time = after if stated is None else stated
        if self._last is not None:
            # Two frames must not share a unit of the encoder's, which may be a longer one.
            unit = ceil(self.video.codec_context.time_base / base)
            time = max(time, self._last + max(unit, 1)) if time - self._last < unit else time
        self._last = time
        return time

    def _video(self, film: Film, form: str) -> VideoStream:
        encoder = self._encoder(film, form)
        self._counts = bool(encoder.frame_rates)
        if encoder.canonical_name != film.codec:
            self._tell(f"{film.name}: no encoder for {film.codec} here: written as {encoder.name}")
        options = dict(_QUALITY.get(encoder.name, {}))
        if film.interlaced and encoder.name in ("libx264", "mpeg2video"):
            options["flags"] = options.get("flags", "") + "+ildct+ilme"
        made: VideoStream = self.container.add_stream(  # type: ignore[assignment]
            encoder.name, rate=film.rate.limit_denominator(65535), options=options
        )
        made.width, made.height = film.size
        made.pix_fmt = _pixels(encoder, film.pixels)
        made.time_base = made.codec_context.time_base = _time_base(encoder, film)
        if film.matrix is not None:
            made.set_display_matrix(film.matrix)
        return made

    def _encoder(self, film: Film, form: str) -> Codec:
        from av.codec import Codec
        from av.codec.codec import UnknownCodecError

        takes = self.container.supported_codecs | _ALSO.get(form, set())
        for name in (*_ENCODERS.get(film.codec, (film.codec,)), *_INSTEAD):
            try:
                codec = Codec(name, "w")
            except UnknownCodecError:
                continue
            if codec.canonical_name in takes and _has_rate(codec, film.rate):
                return codec
        raise LikemarkError(f"{film.name}: no encoder for a {form} file: name a .mp4 or .mkv")

    def _copied(self, source: InputContainer) -> dict[int, Stream]:
        """The streams that packets go to, by the source's numbers."""
        copies: dict[int, Stream] = {}
        first = True
        for stream in source.streams:
            if stream.type == "video" and first and not _is_cover(stream):
                first = False
                self._carry(stream, self.video)
                _colours(stream, self.video)
            elif stream.type == "subtitle" or (stream.type == "audio" and _is_known(stream)):
                made = self._twin(stream)
                if made is not None:
                    copies[stream.index] = made
            else:  # another view, a cover picture or data: the mark may be in any of them
                self.unseen += stream.type == "video"
                self._left_out(stream)
        return copies

    def _twin(self, stream: Stream) -> Stream | None:
        try:
            made = self.container.add_stream_from_template(stream, opaque=True)
        except ValueError:
            self._left_out(stream)
            return None
        self._carry(stream, made)
        return made

    def _carry(self, stream: Stream, made: Stream) -> None:
        made.metadata.update(self._kept(stream.metadata))
        made.disposition = stream.disposition

    def _kept(self, metadata: Mapping[str, str]) -> dict[str, str]:
        """What is of the film and shows no mark."""
        kept = {key: value for key, value in metadata.items() if key not in _OWN}
        for key in [key for key, value in kept.items() if holds_picture(os.fsencode(value))]:
            del kept[key]
            self._tell(f"{self._name}: text {one_line(key)!r} is left out: it holds a picture")
        return kept

    def _left_out(self, stream: Stream) -> None:
        which = f"{self._name}: stream {stream.index} ({stream.type})"
        self._tell(f"{which} is left out: it cannot be carried over")

    def _describe(self, source: InputContainer) -> None:
        self.container.metadata.update(self._kept(source.metadata))
        chapters = source.chapters()
        if chapters:
            self.container.set_chapters(chapters)


def _has_rate(encoder: Codec, rate: Fraction) -> bool:
    """Whether an encoder of few fixed rates, such as MPEG-2's, has this one."""
    rates = encoder.frame_rates
    return not rates or any(Fraction(known.num, known.den) == rate for known in rates)


def _delay(packet: Packet[Any], by: Fraction) -> None:
    """by: seconds"""
    own = packet.time_base
    packet.pts, packet.dts = (
        None if time is None else round((time * own + by) / _FINE)
        for time in (packet.pts, packet.dts)
    )
    packet.duration = round((packet.duration or 0) * own / _FINE)
    packet.time_base = _FINE


def _time_base(encoder: Codec, film: Film) -> Fraction:
    if encoder.frame_rates:
        return 1 / film.rate  # its frames have no times of their own
    if encoder.name == "mpeg4" and film.time_base.denominator > _MPEG4_UNITS:
        return Fraction(1, 60000)
    return film.time_base


def _is_known(stream: Any) -> bool:
    """Whether sound can be described: of a file cut short, nothing of it may have been read."""
    return bool(stream.codec_context and stream.codec_context.sample_rate)


def _is_cover(stream: Stream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _colours(stream: Any, made: VideoStream) -> None:
    ours, theirs = made.codec_context, stream.codec_context
    ours.color_range, ours.colorspace = theirs.color_range, theirs.colorspace
    ours.color_primaries, ours.color_trc = theirs.color_primaries, theirs.color_trc
    if theirs.sample_aspect_ratio:
        ours.sample_aspect_ratio = theirs.sample_aspect_ratio


def _pixels(encoder: Codec, wanted: str) -> str:
    """The px format nearest to the source's that an encoder takes."""
    from av.codec.codec import find_best_pix_fmt_of_list

    known = [form.name for form in encoder.video_formats or ()]
    if wanted in known or not known:
        return wanted
    best = find_best_pix_fmt_of_list(known, wanted)[0]
    return known[0] if best is None else best.name
