"""What workers can be asked for, and what is said where they cannot be had."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.ray import REQUIRED, require_ray

from likemark.db.errors import InvalidInput, LikemarkError, ModelMismatch, PictureError
from likemark.retrieval.distributed.cluster import Cluster, Node, joined, shared_out
from likemark.retrieval.distributed.options import Terms, WorkerOptions
from likemark.retrieval.distributed.team import Team, _Gone, embedding, sound_picture
from likemark.retrieval.distributed.worker import Answer, Assignment, Given, Worker
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture, Request
from likemark.retrieval.pictures.pool import DecoderPool


@pytest.mark.parametrize(
    ("where", "local", "count", "endpoint"),
    [
        ("local", True, None, None),
        ("3", True, 3, None),
        ("ray://head:10001", False, None, ("head", 10001)),
        ("10.0.0.1:6379", False, None, ("10.0.0.1", 6379)),
        ("ray://[::1]:10001", False, None, ("::1", 10001)),
    ],
)
def test_workers_are_named_by_a_word_a_number_or_an_address(
    where: str, local: bool, count: int | None, endpoint: tuple[str, int] | None
) -> None:
    options = WorkerOptions(where)
    assert (options.is_local, options.count, options.endpoint) == (local, count, endpoint)


@pytest.mark.parametrize("where", ["", "0", "-1", "host", "ray://host", "http://host:1", "h:99999"])
def test_what_names_no_workers_is_refused(where: str) -> None:
    with pytest.raises(InvalidInput, match="workers"):
        WorkerOptions(where)


def test_without_ray_the_way_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LikemarkError, match=r"pip install 'likemark\[distributed\]'"):
        with joined(WorkerOptions(), 0):
            pass


@pytest.mark.parametrize(
    ("required", "outcome"), [("0", pytest.skip.Exception), ("1", pytest.fail.Exception)]
)
def test_a_missing_ray_fails_the_tests_that_require_it(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv(REQUIRED, required)
    with pytest.raises(outcome, match="Ray is not installed"):
        require_ray()


HEAD, GPUS_8, GPUS_2 = Node(64, 0), Node(64, 8), Node(24, 2)


@pytest.mark.parametrize(
    ("nodes", "count", "expected"),
    [
        ([HEAD, GPUS_8], None, Cluster(8, 8.0, 0.99, "cuda")),
        ([HEAD, GPUS_8, GPUS_2], None, Cluster(10, 8.0, 0.99, "cuda")),
        ([Node(0, 1), GPUS_2], None, Cluster(2, 12.0, 0.99, "cuda")),
        ([Node(2, 4)], None, Cluster(4, 1.0, 0.99, "cuda")),
        ([Node(16, 1), Node(16, 1)], 3, Cluster(3, 8.0, 0.495, "cuda")),
        ([Node(64, 0), Node(4, 0)], None, Cluster(68, 1.0, 0.0, "cpu")),
    ],
)
def test_each_worker_takes_what_its_own_node_has_for_it(
    nodes: list[Node], count: int | None, expected: Cluster
) -> None:
    assert shared_out(nodes, count) == expected


def test_workers_asked_for_on_processors_leave_gpus_alone() -> None:
    assert shared_out([HEAD, GPUS_8], None, "cpu") == Cluster(128, 1.0, 0.0, "cpu")


@pytest.mark.parametrize(
    ("nodes", "device", "message"),
    [([Node(0, 8)], "auto", "no processors"), ([HEAD], "cuda", "no worker has a GPU")],
)
def test_a_cluster_where_nobody_could_work_is_refused(
    nodes: list[Node], device: str, message: str
) -> None:
    with pytest.raises(LikemarkError, match=message):
        shared_out(nodes, None, device)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        yield server


def test_a_cluster_that_is_not_there_is_said_at_once(listening: socket.socket) -> None:
    require_ray()
    port = listening.getsockname()[1]  # bound, but nobody listens
    for where in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
        with pytest.raises(LikemarkError, match=f"workers {where}: cannot be reached: Connection"):
            with joined(WorkerOptions(where), 0):
                pass


def test_what_is_no_ray_is_given_up_in_time(listening: socket.socket) -> None:
    require_ray()
    listening.listen()
    where = f"127.0.0.1:{listening.getsockname()[1]}"
    with pytest.raises(LikemarkError, match=f"workers {where}: what listens there is no Ray"):
        with joined(WorkerOptions(where, patience=3), 0):
            pass


def assignment(model: FoundModel, fingerprint: str | None = None) -> Assignment:
    return Assignment(
        card=asdict(model.card),
        fingerprint=fingerprint or model.card.fingerprint,
        weights=(),
        limits=PictureLimits(),
        device="cpu",
        decoders=1,
    )


def test_a_worker_refuses_a_model_of_another_fingerprint(tiny: FoundModel) -> None:
    with pytest.raises(ModelMismatch, match="install the same likemark on every node"):
        Worker(assignment(tiny, "0" * 64))


def test_a_worker_says_of_each_picture_what_it_is_or_why_it_is_none(
    tiny: FoundModel, logos: Path
) -> None:
    first = str(logos / "mark-0000.png")
    with closing(Worker(assignment(tiny))) as worker:
        known, missing = worker.hashed([Given(first), Given(str(logos / "none.png"))])
        [changed] = worker.embedded([Given(first, content=b"0" * 32)])
    assert known.refusal is None
    assert missing.refusal == ("missing", "no such file: check the path")
    assert changed.refusal is not None
    assert "changed while it was read" in str(PictureError(first, *changed.refusal))


class Scripted(Team):
    """Its workers end on every picture that `ends` names; how many were started is counted."""

    def __init__(self, ends: Callable[[str], str | None]) -> None:
        super().__init__(None, Terms(1, 1, 0, 2, 1, 1))  # type: ignore[arg-type]
        self.ends = ends
        self.asked: list[str] = []

    def _started_at_last(self) -> Any:
        return SimpleNamespace(actor=None, name="lone")

    def _answers(self, member: Any, call: Any, pictures: Sequence[Given]) -> list[Answer]:
        self.asked += [picture.path for picture in pictures]
        for picture in pictures:
            if reason := self.ends(picture.path):
                raise _Gone(reason)
        return [Answer(content=b"0" * 32) for _ in pictures]

    def _end(self, actor: Any) -> None:
        pass

    def alone(self, path: str) -> str:
        """The reason code of a picture's refusal, empty where it is answered."""
        refusal = self._alone(embedding, Given(path)).refusal
        return "" if refusal is None else refusal[0]


@pytest.mark.parametrize(
    ("reason", "refused"), [("its node has died", "unreadable"), ("SIGSEGV", "crash")]
)
def test_a_picture_is_not_to_blame_for_nodes_that_go(reason: str, refused: str) -> None:
    assert Scripted(lambda path: reason).alone("a.png") == refused


def test_many_pictures_in_a_row_that_end_their_workers_are_all_set_aside() -> None:
    """A second run over the same folder has nothing but them left to do."""
    team = Scripted(lambda path: "SIGSEGV" if path.endswith(".png") else None)
    assert [team.alone(f"{number}.png") for number in range(30)] == ["crash"] * 30
    team._check()  # nobody has given up
    assert team.asked.count(sound_picture().path) == 3
    assert team.alone("good.jpg") == ""


def test_workers_that_a_sound_picture_ends_too_are_given_up() -> None:
    team = Scripted(lambda path: "no memory")
    for number in range(8):
        team._check()
        assert team.alone(f"{number}.png") == "crash"
    with pytest.raises(LikemarkError, match=r"8 pictures in a row .* a sound one: no memory"):
        team._check()


def test_the_sound_picture_is_one(tiny: FoundModel) -> None:
    given = sound_picture()
    with DecoderPool(size=64, limits=PictureLimits(), workers=1) as pool:
        assert isinstance(pool.submit(Request(given.path, given.data)).result(), Picture)
