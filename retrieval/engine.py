"""Search: query pictures in, ranked hits out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from likemark.db.errors import InvalidInput, NotFound, PictureError
from likemark.db.filters import require_collections
from likemark.db.search import Filed, MarkRow, ShownImage, filed_at, marks_by_id, shown_marks
from likemark.db.stored import DamagedValue
from likemark.db.values import Filters
from likemark.db.vectors import active_model, mismatch
from likemark.index.gpu import gpus
from likemark.index.local import LocalIndex
from likemark.index.milvus.index import MilvusIndex
from likemark.index.protocol import Found
from likemark.retrieval.cluster_filters import filtered
from likemark.retrieval.devices import AUTO as AUTO_DEVICE
from likemark.retrieval.devices import choose_device
from likemark.retrieval.embedder import Embedder, Rows
from likemark.retrieval.looks import Looks
from likemark.retrieval.models import FoundModel
from likemark.retrieval.parts import READ, Box, grey
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Crop, Picture, Request
from likemark.retrieval.pictures.pool import DecoderPool
from likemark.retrieval.pictures.views import EIGHTHS
from likemark.retrieval.results import (
    BLOCK_WEIGHT,
    EIGHTH_WEIGHT,
    HALF_WEIGHT,
    Hit,
    QueryResult,
    Search,
    weighted,
)
from likemark.retrieval.scan import pictures
from likemark.retrieval.shortlist import LONG, Part, Shortlist
from likemark.retrieval.sync import Opened, open_index
from likemark.retrieval.workspace import Workspace

STDIN = "-"
# Queries decoded, embedded and searched together.
CHUNK = 16
# Marks that a hit lists; further ones are counted.
LISTED = 500

QUARTERS = (90, 180, 270)  # degrees


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a query is asked with: all of it as it stands, unless told otherwise."""

    block: Crop | None = None  # of its layout, or a half
    turn: int = 0  # degrees, counter-clockwise
    weight: float = 1.0  # of the cosines that it finds


View = tuple[NDArray[np.uint8], Shown]  # (S, S, 3)
Look = Callable[[Mapping[int, Filed]], dict[int, Part]]  # into images, by their ids


@dataclass(frozen=True, slots=True)
class QueryOptions:
    k: int = 20  # hits per query
    filters: Filters = field(default_factory=Filters)
    crop: Crop | None = None  # px of every query picture
    min_score: float | None = None  # weaker hits are left out
    blocks: bool = True  # ask with the blocks of each picture's layout too
    turned: bool = False  # ask with each picture turned by eighths of a full turn too
    # Ask with its halves too, and look into the nearest pictures for the query as a part of them.
    parts: bool = False
    device: str = AUTO_DEVICE
    limits: PictureLimits = field(default_factory=PictureLimits)

    def __post_init__(self) -> None:
        if not 1 <= self.k <= 10_000:
            raise InvalidInput(f"k = {self.k}: give 1 to 10000")
        if self.min_score is not None and not -1 <= self.min_score <= 1:
            raise InvalidInput(f"min score {self.min_score}: cosines go from -1 to 1")


def query_requests(names: Sequence[str], stdin: Iterable[bytes] = ()) -> list[Request]:
    """Pictures, folders of pictures, and "-" for the bytes that `stdin` gives.

    Raises NotFound for a folder without pictures, InvalidInput for "-" twice.
    """
    if list(names).count(STDIN) > 1:
        raise InvalidInput(f"{STDIN} twice: standard input can be read once")
    requests: list[Request] = []
    for name in names:
        if name == STDIN:
            requests.append(Request("stdin", data=b"".join(stdin)))
        elif os.path.isdir(name):
            found = [Request(str(path)) for path in pictures(Path(name))]
            if not found:
                raise NotFound(f"{name}: holds no pictures")
            requests += found
        else:
            requests.append(Request(name))
    return requests


def search_pictures(
    workspace: Workspace,
    requests: Sequence[Request],
    model: FoundModel,
    options: QueryOptions | None = None,
) -> tuple[Search, Iterator[QueryResult]]:
    """The search as it will be done, and the answers in the order of the requests.

    Raises NotFound when nothing is indexed yet or a collection does not exist, ModelMismatch when
    the catalogue's vectors are another model's.
    """
    options = options or QueryOptions()
    searcher = _searcher(workspace, model, options, queries=len(requests))
    stats = searcher.opened.index.stats()
    search = Search(
        k=options.k,
        filters=options.filters,
        crop=options.crop,
        min_score=options.min_score,
        blocks=options.blocks,
        turned=options.turned,
        parts=options.parts,
        model=model.card.name,
        model_fingerprint=model.card.fingerprint,
        index=stats.factory,
        vectors=stats.count,
    )
    asked = [
        Request(r.name, r.data, options.crop, options.blocks, options.parts, options.turned)
        for r in requests
    ]
    return search, _answers(searcher, asked, model)


def row_search(
    workspace: Workspace, model: FoundModel, options: QueryOptions | None = None
) -> Callable[[Rows], list[list[Hit]]]:
    """What finds each row's best hits among the catalogue's pictures as they are now.

    It takes (Q, D) float32 unit rows that the model made, and gives a list for each, best first.
    Raises as `search_pictures` does.
    """
    searcher = _searcher(workspace, model, options or QueryOptions())
    return lambda rows: [searcher.hits(row[None], [Shown()]) for row in rows]


def _searcher(
    workspace: Workspace, model: FoundModel, options: QueryOptions, *, queries: int = 1
) -> _Searcher:
    with workspace.catalogue.read() as session:
        active = active_model(session)
        if active is None:
            raise NotFound(f"workspace {workspace.root}: nothing is indexed; run: likemark index")
        if active.fingerprint != model.card.fingerprint:
            raise mismatch(active, model.card.name, model.card.fingerprint, model.reference)
        require_collections(session, options.filters.collections)
    opened = open_index(workspace)
    assert opened is not None
    if opened.model.fingerprint != model.card.fingerprint:  # switched since the first look
        raise mismatch(opened.model, model.card.name, model.card.fingerprint, model.reference)
    # FAISS is asked first: torch takes seconds to load, which pictures are decoded beside.
    if gpus() and not isinstance(opened.index, MilvusIndex):
        if choose_device(options.device).name.startswith("cuda"):
            opened.index.to_gpu(queries)
    with workspace.catalogue.read() as session:
        index, allowed = filtered(workspace, session, opened.index, options.filters)
    return _Searcher(workspace, opened, index, allowed, options)


def _answers(
    searcher: _Searcher, requests: Sequence[Request], model: FoundModel
) -> Iterator[QueryResult]:
    options = searcher.options
    with (
        DecoderPool(size=model.card.input_size, limits=options.limits) as pool,
        ThreadPoolExecutor(1) as loader,
        DecoderPool(size=READ, limits=options.limits.of_indexed()) as closer,
    ):
        shortlist = Shortlist(closer, Looks(searcher.workspace.looks)) if options.parts else None
        # The first pictures are decoded while the network is loaded.
        loading = loader.submit(Embedder.load, model, device=options.device)
        decoded = zip(requests, pool.map(requests), strict=True)
        while chunk := list(islice(decoded, CHUNK)):
            yield from _answer_chunk(searcher, chunk, loading.result(), shortlist)


def _answer_chunk(
    searcher: _Searcher,
    chunk: Sequence[tuple[Request, Picture | PictureError]],
    embedder: Embedder,
    shortlist: Shortlist | None,
) -> Iterator[QueryResult]:
    asked = [_views(picture, searcher.options) for _, picture in chunk]
    rows = _embedded(embedder, [pixels for views in asked for pixels, _ in views])
    for (request, picture), views in zip(chunk, asked, strict=True):
        if isinstance(picture, PictureError):
            yield QueryResult(request.name, (), picture)
        else:
            own = np.stack(list(islice(rows, len(views))))
            look = None if shortlist is None else partial(shortlist.look, asked=grey(views[0][0]))
            hits = searcher.hits(own, [shown for _, shown in views], look)
            yield QueryResult(request.name, tuple(hits))


def _views(picture: Picture | PictureError, options: QueryOptions) -> list[View]:
    """The whole picture first; none of one that cannot be read."""
    if isinstance(picture, PictureError):
        return []
    whole = picture.pixels
    turns = QUARTERS if options.turned else ()
    return [
        (whole, Shown()),
        *((block.pixels, Shown(block.box, weight=BLOCK_WEIGHT)) for block in picture.blocks),
        *((half.pixels, Shown(half.box, weight=HALF_WEIGHT)) for half in picture.halves),
        *((np.rot90(whole, turn // 90), Shown(turn=turn)) for turn in turns),
        *(
            (turned, Shown(turn=turn, weight=EIGHTH_WEIGHT))
            # None of a picture that stands on no one colour.
            for turned, turn in zip(
                picture.eighths, EIGHTHS if picture.eighths else (), strict=True
            )
        ),
    ]


def _embedded(embedder: Embedder, pictures: list[NDArray[np.uint8]]) -> Iterator[Rows]:
    for start in range(0, len(pictures), CHUNK):
        yield from embedder.embed(np.stack(pictures[start : start + CHUNK]))


@dataclass(frozen=True, slots=True)
class _Searcher:
    workspace: Workspace
    opened: Opened
    index: LocalIndex | MilvusIndex  # a cluster's is within the filters already
    allowed: NDArray[np.int64] | None  # image ids within the filters
    options: QueryOptions

    def hits(self, rows: Rows, asked: Sequence[Shown], look: Look | None = None) -> list[Hit]:
        """The k best groups: some pictures fall together, so more are fetched. What stands behind
        the last one's pictures must be seen to begin another group: then that one is whole.

        rows: (V, D) unit; asked: V, what each row shows of the query
        look: finds the query as a part of the nearest
        """
        k, wanted = self.options.k, 2 * self.options.k
        if look is not None:
            wanted = max(wanted, LONG)
        near = self._nearest(rows, asked, wanted)
        parts = {} if look is None else self._parts(near[:LONG], look)
        shown: dict[int, ShownImage] = {}
        with self.workspace.catalogue.read() as session:
            while True:
                near = self._strong(_with_parts(near, parts))
                new = [each.image_id for each in near if each.image_id not in shown]
                shown |= shown_marks(session, new, self.options.filters)
                groups = _grouped(near, shown)
                last = len(near) < wanted  # those behind them are too weak anyway
                if len(groups) > k or last or wanted >= (reach := self._reach()):
                    return _hits(session, groups[:k])
                wanted = min(4 * wanted, reach)
                near = self._nearest(rows, asked, wanted)

    def _reach(self) -> int:
        """How many images there are to be found; a cluster is asked only where it matters."""
        return self.index.stats().count if self.allowed is None else len(self.allowed)

    def _nearest(self, rows: Rows, asked: Sequence[Shown], wanted: int) -> list[_Near]:
        return _merged(self.index.search(rows, wanted, allowed=self.allowed), asked)[:wanted]

    def _parts(self, near: Sequence[_Near], look: Look) -> dict[int, Part]:
        # Reading pictures may take long: the catalogue is not held for it.
        with self.workspace.catalogue.read() as session:
            filed = filed_at(session, [each.image_id for each in near])
        return look(filed)

    def _strong(self, near: list[_Near]) -> list[_Near]:
        lowest = self.options.min_score
        return near if lowest is None else [each for each in near if each.score >= lowest]


@dataclass(frozen=True, slots=True)
class _Near:
    image_id: int
    score: float
    by: Shown  # that it was found by
    part: Box | None = None  # as in `Hit`


def _merged(found: Found, asked: Sequence[Shown]) -> list[_Near]:
    """Each picture at its best over the rows, best first; as many as were asked of each are sure.

    A picture that is missing from the list of its best row has so many better ones before it.
    """
    best: dict[int, _Near] = {}
    for ids, scores, shown in zip(found.ids, found.scores, asked, strict=True):
        counted = weighted(scores, shown.weight)
        for image_id, score in zip(ids.tolist(), counted.tolist(), strict=True):
            known = best.get(image_id)
            if image_id >= 0 and (known is None or score > known.score):
                best[image_id] = _Near(image_id, score, shown)
    return _best_first(best.values())


def _best_first(near: Iterable[_Near]) -> list[_Near]:
    return sorted(near, key=lambda each: (-each.score, each.image_id))


def _with_parts(near: list[_Near], parts: Mapping[int, Part]) -> list[_Near]:
    """Those that hold the query count as much as that says, where it is more."""
    better = {
        each.image_id: _Near(each.image_id, part.score, Shown(), part.box)
        for each in near
        if (part := parts.get(each.image_id)) is not None and part.score > each.score
    }
    return _best_first(better.get(each.image_id, each) for each in near) if better else near


@dataclass(slots=True)
class _Group:
    """The nearest picture of an artwork, and the marks that show the artwork."""

    best: _Near
    first: int  # id of the mark that tells where the picture was read
    marks: list[tuple[bool, int]]  # as in ShownImage


def _grouped(near: Sequence[_Near], shown: dict[int, ShownImage]) -> list[_Group]:
    """Pictures best first become groups: the same artwork is one, a mark stands in one."""
    groups: dict[bytes, _Group] = {}
    seen: set[tuple[bool, int]] = set()
    for each in near:
        # An image that has gone since the index was read has no marks.
        image = shown.get(each.image_id)
        new = [] if image is None else [mark for mark in image.marks if mark not in seen]
        if image is None or not new:
            continue
        seen.update(new)
        first = min(number for _, number in new)
        groups.setdefault(image.artwork, _Group(each, first, [])).marks.extend(new)
    return list(groups.values())


def _hits(session: Session, groups: Sequence[_Group]) -> list[Hit]:
    listed = [[number for _, number in sorted(group.marks)[:LISTED]] for group in groups]
    wanted = {group.first for group in groups}.union(*listed)
    rows = {mark.id: mark for mark in marks_by_id(session, sorted(wanted))}
    if lost := wanted - rows.keys():
        raise DamagedValue(f"mark {min(lost)}: its collection is missing")
    return [
        Hit(
            rank,
            min(group.best.score, 1.0),
            group.best.image_id,
            _path(rows[group.first], group.best.image_id),
            tuple(rows[number] for number in numbers),
            group.best.by.block,
            len(group.marks) - len(numbers),
            group.best.by.turn,
            group.best.part,
        )
        for rank, (group, numbers) in enumerate(zip(groups, listed, strict=True), start=1)
    ]


def _path(mark: MarkRow, image_id: int) -> str:
    return next(image.path for image in mark.images if image.image_id == image_id)
