"""Workers as Ray actors: work is given to whoever has least of it, and again where one has died.

Plain actors rather than Ray Data, where a picture that ends its worker is tried again for ever
(`infinite retries remaining`): a run must learn which picture it was.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from likemark.db.errors import LikemarkError, ModelMismatch, one_line
from likemark.retrieval.distributed.faults import ending, is_nodes_fault, not_started
from likemark.retrieval.distributed.options import LONE_GPU, Terms
from likemark.retrieval.distributed.worker import Answer, Assignment, Given, Hello, Worker

# Calls that one worker has at once: it decodes for the next while it embeds.
DEPTH = 2
# Workers that a picture must end while it is alone with them before it is set aside.
_ALONE = 2
# Failures in a row, with no work done between, after which a sound picture is tried.
_FUSE = 8
# Starts that may fail, for each worker, while none is at work; and seconds between them.
_STARTS = 3
_PAUSE = 1.0
# Seconds that a start under way may take to end once its worker is sent home.
_LEAVING = 10.0

_NOBODY = "no worker was ready after {:g} seconds; has the cluster a free processor?"

Call = Callable[[Any, Sequence[Given]], Any]


def hashing(actor: Any, pictures: Sequence[Given]) -> Any:
    return actor.hashed.remote(pictures)


def sound_picture() -> Given:
    """A picture of our own that every worker can embed."""
    from PIL import Image, ImageDraw

    file, drawn = io.BytesIO(), Image.new("L", (64, 64), 255)
    ImageDraw.Draw(drawn).ellipse((8, 8, 40, 56), fill=0)
    drawn.save(file, "PNG")
    return Given("likemark's own picture", file.getvalue())


def embedding(actor: Any, pictures: Sequence[Given]) -> Any:
    return actor.embedded.remote(pictures)


@dataclass(eq=False, slots=True)
class _Member:
    actor: Any
    name: str
    busy: int = 0  # calls under way


class _Gone(Exception):
    """A worker died, or failed at its work."""


@dataclass(eq=False, slots=True)
class Team:
    """Asked by many threads at once; `close` ends every worker."""

    assignment: Assignment
    terms: Terms
    _ready: list[_Member] = field(default_factory=list)
    _actors: list[Any] = field(default_factory=list)  # alive or starting
    _starting: list[threading.Thread] = field(default_factory=list)
    _change: threading.Condition = field(default_factory=threading.Condition)
    _quarantine: threading.Lock = field(default_factory=threading.Lock)
    _lone: _Member | None = None
    _fault: LikemarkError | None = None  # why no work can be done
    _failures: int = 0  # in a row
    _failed_starts: int = 0  # in a row
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        for _ in range(self.terms.count):
            self._replace()

    def ask(self, call: Call, pictures: Sequence[Given], prefer: str = "") -> list[Answer]:
        """An answer for each picture; a picture that ends its worker is refused as `crash`.

        prefer: the name of a worker that may have read the pictures already
        Raises LikemarkError where no worker can work at all.
        """
        for _ in range(1 + self.terms.retries):
            member = self._take(prefer)
            try:
                return self._call(member, call, pictures)
            except _Gone:
                self._drop(member)
            finally:
                self._give_back(member)
        # Others may have died with the guilty one: each is tried alone.
        return [self._alone(call, picture) for picture in pictures]

    def close(self) -> None:
        import ray

        with self._change:
            self._over.set()
            actors, starting = list(self._actors), list(self._starting)
            self._change.notify_all()
        for actor in actors:
            with suppress(Exception):  # it is dead, or the cluster is
                ray.kill(actor)
        for thread in starting:  # Ray ends what still waits for an actor when it is left
            thread.join(_LEAVING)

    def _alone(self, call: Call, picture: Given) -> Answer:
        with self._quarantine:
            try:
                return self._tried(call, picture)
            except _Gone as gone:
                self._blame()
                reason = str(gone)
        detail = f"it ended workers that had nothing else to do: {reason}"
        return Answer(refusal=("crash", detail))

    def _tried(self, call: Call, picture: Given) -> Answer:
        """The answer of a worker that has nothing else to do. Raises _Gone where it ended them."""
        ended, reason = 0, ""
        for _ in range(_ALONE + _STARTS):
            lone = self._lone = self._lone or self._started_at_last()
            try:
                return self._call(lone, call, [picture])[0]
            except _Gone as gone:
                self._end(lone.actor)
                self._lone = None
                reason = str(gone)
                ended += not is_nodes_fault(reason)
                if ended == _ALONE:
                    raise
        # The node went, each time: nothing is known of the picture.
        detail = f"the nodes that it was sent to went: run again ({reason})"
        return Answer(refusal=("unreadable", detail))

    def _blame(self) -> None:
        """Count a picture that ended its workers; after many in a row, see whether any can work."""
        with self._change:
            self._failures += 1
            many = self._failures >= _FUSE
        if not many:
            return
        try:
            self._tried(embedding, sound_picture())
        except _Gone as gone:
            said = f"{_FUSE} pictures in a row ended their workers, and so did a sound one: {gone}"
            with self._change:
                self._fail(LikemarkError(said))

    def _call(self, member: _Member, call: Call, pictures: Sequence[Given]) -> list[Answer]:
        """Raises _Gone, and LikemarkError where the worker refuses to work."""
        answers = self._answers(member, call, pictures)
        with self._change:
            self._failures = 0
        return answers

    def _answers(self, member: _Member, call: Call, pictures: Sequence[Given]) -> list[Answer]:
        import ray
        from ray import exceptions

        limit = self.terms.patience + 2 * len(pictures) * self.terms.seconds
        try:
            answers: list[Answer] = ray.get(call(member.actor, pictures), timeout=limit)
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, LikemarkError):
                raise error.cause from None
            raise _Gone(one_line(f"{type(error.cause).__name__}: {error.cause}")) from None
        except exceptions.RayError as error:
            raise _Gone(ending(error)) from None
        except ConnectionError as error:
            raise LikemarkError(f"the cluster is lost: {one_line(str(error))}") from error
        return answers

    def _take(self, prefer: str) -> _Member:
        deadline = time.monotonic() + self.terms.patience
        with self._change:
            while True:
                self._check()
                free = [member for member in self._ready if member.busy < DEPTH]
                if free:
                    member = min(free, key=lambda m: (m.name != prefer, m.busy))
                    member.busy += 1
                    return member
                if self._ready:
                    deadline = time.monotonic() + self.terms.patience
                if time.monotonic() > deadline:
                    self._fail(LikemarkError(_NOBODY.format(self.terms.patience)))
                self._change.wait(0.5)

    def _give_back(self, member: _Member) -> None:
        with self._change:
            member.busy -= 1
            self._change.notify_all()

    def _drop(self, member: _Member) -> None:
        with self._change:
            if member not in self._ready:
                return  # another call has seen it die
            self._ready.remove(member)
        self._end(member.actor)
        self._replace()

    def _replace(self) -> None:
        thread = threading.Thread(target=self._join, name="worker-start", daemon=True)
        with self._change:
            self._starting = [each for each in self._starting if each.is_alive()]
            thread.start()
            self._starting.append(thread)

    def _join(self) -> None:
        try:
            member = self._started()
        except LikemarkError as fault:
            with self._change:
                self._failed_starts += 1
                hopeless = not self._ready and self._failed_starts >= _STARTS * self.terms.count
                if hopeless or isinstance(fault, ModelMismatch):
                    self._fail(fault)
            if not self._over.wait(_PAUSE) and self._fault is None:
                self._replace()
            return
        with self._change:
            self._failed_starts = 0
            self._ready.append(member)
            self._change.notify_all()

    def _started_at_last(self) -> _Member:
        """A worker beside the others; its node may die as it starts."""
        for _ in range(_STARTS):
            with suppress(LikemarkError):
                return self._started(lone=True)
            self._over.wait(_PAUSE)
        return self._started(lone=True)

    def _started(self, *, lone: bool = False) -> _Member:
        """A worker that has said hello. Raises LikemarkError.

        lone: takes what the others leave free: no processor, and the rest of a GPU where they
        have one each, so that it computes as they do
        """
        import ray

        gpus = self.terms.gpus
        with self._change:
            self._check()
            actor: Any = (
                ray.remote(Worker)
                .options(
                    num_cpus=0.0 if lone else self.terms.cpus,
                    num_gpus=min(gpus, LONE_GPU) if lone else gpus,
                    max_restarts=0,
                    max_concurrency=DEPTH,
                    scheduling_strategy="SPREAD",
                )
                .remote(self.assignment)
            )
            self._actors.append(actor)
        try:
            patience = self.terms.patience if lone else None
            hello: Hello = ray.get(actor.hello.remote(), timeout=patience)
        except Exception as error:
            self._end(actor)
            raise not_started(error) from None
        if hello.version != version("likemark"):
            raise ModelMismatch(
                f"a worker has likemark {hello.version}, this is {version('likemark')}; "
                "install the same on every node"
            )
        return _Member(actor, hello.name)

    def _end(self, actor: Any) -> None:
        import ray

        with self._change:
            if actor in self._actors:
                self._actors.remove(actor)
        with suppress(Exception):  # it is dead already
            ray.kill(actor)

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._over.is_set():
            raise LikemarkError("the workers were sent home")

    def _fail(self, fault: LikemarkError) -> None:
        self._fault = self._fault or fault
        self._change.notify_all()
