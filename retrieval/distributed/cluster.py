"""The Ray that a run uses: one of its own on this machine, or a cluster that it joins."""

from __future__ import annotations

import importlib.util
import logging
import math
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from likemark.db.errors import LikemarkError, one_line
from likemark.retrieval.devices import AUTO, cores
from likemark.retrieval.distributed.options import LONE_GPU, WorkerOptions
from likemark.retrieval.distributed.probe import check_cluster, check_endpoint

# Of Ray's store of objects on this machine, beside the weights: what is under way is small.
_STORE_BYTES = 256 * 2**20
_FOLDER = "lm-ray-"  # short: the path of a socket below it must stay under 107 bytes
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_SCHEDULER_EVENTS": "0",
}


@dataclass(frozen=True, slots=True)
class Node:
    """What one machine of a cluster has."""

    cpus: int  # that it gives to Ray; 0: nobody can work there
    gpus: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """What there is to work with."""

    workers: int
    cpus: float  # of a worker
    gpus: float  # of a worker, 0: it computes on its processor
    device: str  # of a worker, as --device takes it

    @property
    def decoders(self) -> int:
        """Processes that decode, of each worker."""
        return max(1, int(self.cpus))


@contextmanager
def joined(options: WorkerOptions, weights_bytes: int, device: str = AUTO) -> Iterator[Cluster]:
    """Ray for the time of a run. One that the program has joined already is used and left alone.

    Raises LikemarkError in one line: Ray is missing, no cluster answers, versions differ.
    """
    check_ray()
    with _environment(_QUIET | (_own_token() if options.is_local else {})), _signals():
        import ray

        if ray.is_initialized():
            yield _cluster(options, device)
        elif options.is_local:
            with _own_ray(options, weights_bytes):
                yield _cluster(options, device)
        else:
            with _other_ray(options):
                yield _cluster(options, device)


def check_ray() -> None:
    """Raises LikemarkError unless Ray is installed."""
    if importlib.util.find_spec("ray") is None:
        raise LikemarkError("ray is not installed; run: pip install 'likemark[distributed]'")


@cache
def _own_token() -> dict[str, str]:
    """Ray listens on every network: without this anybody there could run code here.

    One for all runs of a process: Ray keeps the first that it has seen.
    """
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _cluster(options: WorkerOptions, device: str) -> Cluster:
    import ray

    there: list[Any] = ray.nodes()  # type: ignore[no-untyped-call]
    has = [node["Resources"] for node in there if node["Alive"]]
    nodes = [Node(int(each.get("CPU", 0)), int(each.get("GPU", 0))) for each in has]
    return shared_out(nodes, options.count, device)


def shared_out(nodes: Sequence[Node], count: int | None, device: str = AUTO) -> Cluster:
    """What each worker takes of its node: no more than leaves room for those that it stands beside.

    count: of workers; None: one for each GPU, or for each processor where none has a GPU
    Raises LikemarkError where nobody could work.
    """
    able = [node for node in nodes if node.cpus]  # a head often has no processors to give
    if not able:
        raise LikemarkError("the cluster has no processors; start a node of it")
    computing = [node for node in able if node.gpus and device not in ("cpu", "mps")]
    if device.startswith("cuda") and not computing:
        raise LikemarkError(f"device {device!r}: no worker has a GPU; leave --device out")
    if not computing:
        wanted = count or sum(node.cpus for node in able)
        return Cluster(wanted, 1.0, 0.0, "cpu" if device == AUTO else device)
    gpus = sum(node.gpus for node in computing)
    beside = math.ceil((count or gpus) / gpus)  # workers of one GPU
    cpus = min(node.cpus // (node.gpus * beside) for node in computing)
    share = math.floor((1 - LONE_GPU) / beside * 10_000) / 10_000  # as fine as Ray counts
    return Cluster(count or gpus, float(max(1, cpus)), share, "cuda")


@contextmanager
def _own_ray(options: WorkerOptions, weights_bytes: int) -> Iterator[None]:
    """A Ray that nobody else can talk to, gone with its files when the block ends."""
    _sweep()
    folder = tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-", dir=_short_temp())
    settings: dict[str, Any] = {
        "address": "local",
        "num_cpus": options.count or cores(),
        "object_store_memory": _STORE_BYTES + 2 * weights_bytes,
        "include_dashboard": False,
        "_temp_dir": folder,
    }
    try:
        with _connected(settings, "Ray does not start on this machine"):
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _other_ray(options: WorkerOptions) -> Iterator[None]:
    check_endpoint(options)
    if not options.where.startswith("ray://"):
        check_cluster(options)
    with _connected({"address": options.where}, f"workers {options.where}"):
        yield


@contextmanager
def _connected(settings: Mapping[str, Any], what: str) -> Iterator[None]:
    import ray

    join = partial(ray.init, log_to_driver=False, logging_level=logging.CRITICAL, **settings)
    try:
        try:
            join()
        except ConnectionAbortedError:  # a busy head was too slow with what serves a client
            ray.shutdown()
            join()
    except (Exception, SystemExit) as error:
        with suppress(Exception):
            ray.shutdown()
        raise LikemarkError(f"{what}: {_reason(error)}") from error
    with _without_messages():
        try:
            yield
        finally:
            ray.shutdown()  # prints what it has kept back


@contextmanager
def _without_messages() -> Iterator[None]:
    """Ray prints its nodes' troubles to stdout, where our results stand; it has no setting."""
    from ray._private import worker

    before = getattr(worker, "_worker_logs_enabled", None)
    if before is None:
        yield
        return
    worker._worker_logs_enabled = False
    try:
        yield
    finally:
        worker._worker_logs_enabled = before


def _reason(error: BaseException) -> str:
    return one_line(str(error) or type(error).__name__)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set what is not set already, for the time of the block."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    _read_environment()
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)
        _read_environment()


def _read_environment() -> None:
    """Ray keeps what it read when it was imported."""
    if "ray" in sys.modules:
        from ray import _raylet

        vars(_raylet)["Config"].initialize("")


@contextmanager
def _signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself; it is given back."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if main and before is not None:
            signal.signal(signal.SIGTERM, before)


def _short_temp() -> str:
    folder = tempfile.gettempdir()
    return folder if len(folder) < 30 or not os.path.isdir("/tmp") else "/tmp"


def _sweep() -> None:
    """Remove what runs that were killed have left."""
    for folder in Path(_short_temp()).glob(f"{_FOLDER}*-*"):
        number = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if number.isdigit() and not _runs(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
