"""Parts made one after the other in this process, or side by side on a Ray cluster; the same worker makes
them."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from patchclip.batch.parts import Part
from patchclip.batch.work import Made, Task, Worker
from patchclip.engine import Engine
from patchclip.errors import PatchClipError

LOCAL = "local"
"""The address of a Ray that is started on this machine for one run."""
ATTEMPTS = 5
"""At a part, by processes or machines that die; what kills more than that is no accident."""


class ClusterError(PatchClipError):
    """Ray is missing, cannot be reached, or gave up."""


def run_here(
    task: Task, engine: Engine, parts: Sequence[Part], step: Callable[[int], object]
) -> Generator[Made, None, None]:
    """Makes parts in this process; `step` is told of every few files."""
    worker = Worker(task, engine)
    for part in parts:
        yield worker.make(part, step)


def run_on_ray(task: Task, parts: Sequence[Part], address: str) -> Generator[Made, None, None]:
    """Makes parts on a Ray cluster, as many at once as it has processors (or GPUs), by Ray Data.

    A part goes to whichever process is free, and to another one if that process, or its machine, dies. Only
    names go in and counts come out: films and tables go by the file system, which all machines share.

    Raises:
        ClusterError: Ray is missing, cannot be reached, or a part failed again and again.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers of each cluster
    try:
        import ray
        import ray.data
        from ray.exceptions import RayError
    except ImportError as error:
        raise ClusterError(
            "Ray is not installed; run pip install -r requirements-ray.txt, or leave --ray out."
        ) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    started = not ray.is_initialized()
    if started:
        _connect(ray, address)
    try:
        yield from _results(ray, task, parts)
    except RayError as error:
        cause = _cause(error)
        if isinstance(cause, PatchClipError):
            raise cause from None
        raise ClusterError(
            f"The Ray cluster at {address} gave up ({type(cause).__name__}); check it, and run the "
            "same command again: what is done stays done."
        ) from error
    finally:
        if started:
            ray.shutdown()


def _cause(error: Exception) -> Exception:
    """What went wrong in a worker, which Ray wraps."""
    inner = getattr(error, "cause", None)
    return _cause(inner) if isinstance(inner, Exception) else error


def _connect(ray: Any, address: str) -> None:
    root = str(Path(__file__).resolve().parents[2])
    try:
        ray.init(
            address=None if address == LOCAL else address,
            include_dashboard=False if address == LOCAL else None,
            log_to_driver=False,  # what workers print may quote a file
            logging_level="ERROR",
            runtime_env={"env_vars": {"PYTHONPATH": root}},
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ClusterError(
            f"No Ray cluster answers at {address[:100]} ({type(error).__name__}); start one with ray start, "
            'or give "local".'
        ) from error


def _results(ray: Any, task: Task, parts: Sequence[Part]) -> Iterator[Made]:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    gpus = ray.cluster_resources().get("GPU", 0)
    resources = {"num_gpus": 1} if gpus else {"num_cpus": 1}
    made = ray.data.from_items(
        [{"part": pickle.dumps(part)} for part in parts], override_num_blocks=len(parts)
    ).map_batches(
        # Tasks, not actors: those of a machine that died run elsewhere at once, whereas an actor waits for a
        # processor of its own. The model stays loaded in each of Ray's processes (`_worker`).
        _make,
        fn_args=(pickle.dumps(task),),
        batch_size=1,
        batch_format="numpy",
        max_retries=ATTEMPTS,
        retry_exceptions=False,
        **resources,
    )
    for row in made.iter_rows():
        result = pickle.loads(row["made"])  # of our own process
        assert isinstance(result, Made)
        yield result


def _make(batch: dict[str, Any], task: bytes) -> dict[str, list[bytes]]:
    """A block of one part, in one of Ray's processes."""
    worker = _worker(task)
    return {"made": [pickle.dumps(worker.make(pickle.loads(part))) for part in batch["part"]]}


@lru_cache(maxsize=1)
def _worker(task: bytes) -> Worker:
    from patchclip.memory import keep_freed_memory

    keep_freed_memory()
    return Worker(pickle.loads(task))
