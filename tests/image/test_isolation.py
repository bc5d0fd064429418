"""Decoding in a worker process: the same pixels, and one sentence for whatever a file does to its decoder."""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from patchclip import RadiographError, load_radiograph
from patchclip.image.isolation import IsolationError, Limits, WorkerPool, shared_pool
from patchclip.image.messages import receive, send
from patchclip.image.outcomes import Done
from tests.image.dicoms import CHEST, content, dicom
from tests.tiny import ROOT

DICOM = content(dicom(np.round(CHEST * 4000).astype(np.uint16), PatientName="DOE^JANE", ViewPosition="PA"))


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """A pool of one whose jobs are those of `tests.image.misbehaving`, beside the usual ones."""
    pool = WorkerPool(1, Limits(memory_mb=400, cpu_s=1, wall_s=20), module="tests.image.misbehaving")
    yield pool
    pool.close()


def test_pixels_facts_and_warnings_are_those_of_this_process() -> None:
    for source in (DICOM, ROOT / "assets" / "examples" / "synthetic_effusion.png"):
        here, there = load_radiograph(source), load_radiograph(source, isolated=True)
        assert there.pixels.tobytes() == here.pixels.tobytes() and there.pixels.dtype == np.float32
        assert (there.facts, there.warnings, there.sha256) == (here.facts, here.warnings, here.sha256)
        assert there.pixels.flags.writeable == here.pixels.flags.writeable


def test_refusals_are_the_same_sentences(tmp_path: Path) -> None:
    for source in (b"", b"hello, no image", DICOM[: len(DICOM) // 2], tmp_path / "absent.dcm", tmp_path):
        with pytest.raises(RadiographError) as here:
            load_radiograph(source)
        with pytest.raises(RadiographError) as there:
            load_radiograph(source, isolated=True)
        assert str(here.value) == str(there.value) and not isinstance(there.value, IsolationError)


@pytest.mark.parametrize(
    ("job", "cause", "words"),
    [
        ("abort", "death", "made its decoder fail.*export it again"),
        ("leave", "death", "made its decoder fail.*export it again"),
        ("spin", "time", "longer than 1 seconds to decode"),
        ("grow", "memory", "more than 400 MB of memory"),
        ("grow_in_opencv", "memory", "more than 400 MB of memory"),
        ("fail", "unforeseen", r"error in Patch-CLIP \(ZeroDivisionError at misbehaving.py:\d+\)"),
        ("babble", "death", "made its decoder fail"),
        ("send_code", "death", "made its decoder fail"),
        ("send_too_much", "death", "made its decoder fail"),
    ],
)
def test_whatever_a_worker_does_costs_one_sentence(
    job: str, cause: str, words: str, pool: WorkerPool, tmp_path: Path
) -> None:
    """And the next file finds a worker."""
    mark = tmp_path / "mark"
    with pytest.raises(IsolationError, match=words) as caught:
        pool.run(job, str(mark))
    assert caught.value.cause == cause and str(caught.value).endswith(".")
    assert "DOE" not in str(caught.value)
    assert not mark.exists()
    assert pool.run("read_radiograph", DICOM).size == CHEST.shape


def test_a_worker_that_sleeps_is_given_up_by_the_clock() -> None:
    pool = WorkerPool(1, Limits(cpu_s=20, wall_s=0.5), module="tests.image.misbehaving")
    pool.run("nothing")  # started
    started = time.monotonic()
    with pytest.raises(IsolationError, match="given up") as caught:
        pool.run("sleep")
    assert caught.value.cause == "time" and time.monotonic() - started < 10
    pool.close()


def test_a_worker_writes_no_file_and_no_core(pool: WorkerPool, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no such limits")
    target = tmp_path / "written"
    assert pool.run("write", str(target)) == "OSError"
    assert not target.exists() or target.stat().st_size == 0


def test_a_worker_that_was_killed_while_idle_is_replaced(pool: WorkerPool) -> None:
    first = pool.run("pid")
    assert pool.run("pid") == first  # and used again otherwise
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{first}/stat").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{first}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            break
        time.sleep(0.01)
    assert pool.run("pid") != first


def test_a_worker_is_replaced_after_so_many_files() -> None:
    pool = WorkerPool(1, Limits(jobs=2), module="tests.image.misbehaving")
    pids = [pool.run("pid") for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    pool.close()


def test_threads_share_the_pool_and_wait_for_a_turn() -> None:
    with ThreadPoolExecutor(6) as threads:
        images = list(threads.map(lambda _: load_radiograph(DICOM, isolated=True).sha256, range(12)))
    assert len(set(images)) == 1


def test_a_full_pool_says_so() -> None:
    pool = WorkerPool(1, Limits(queue_s=0.05, cpu_s=20), module="tests.image.misbehaving")
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(pool.run, "nap")
        time.sleep(0.02)
        with pytest.raises(IsolationError, match="Too many files") as caught:
            for _ in range(50):
                pool.run("nothing")
        busy.result()
    assert caught.value.cause == "busy"
    pool.close()


def test_a_pool_that_cannot_start_says_how_to_see_why() -> None:
    pool = WorkerPool(1, module="patchclip.image.nowhere")
    with pytest.raises(IsolationError, match=r"does not start \(exit status 1\); run python -m") as caught:
        pool.run("read_radiograph", DICOM)
    assert caught.value.cause == "start"


def test_a_worker_ends_with_its_parent() -> None:
    """Even if the parent was killed and could not say so."""
    code = (
        "import os, sys\n"
        "from patchclip import load_radiograph\n"
        "from patchclip.image.isolation import shared_pool\n"
        "load_radiograph(sys.argv[1], isolated=True)\n"
        "print(shared_pool()._idle[0]._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    file = str(ROOT / "assets" / "examples" / "synthetic_normal.png")
    done = subprocess.run(
        [sys.executable, "-c", code, file], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    worker = Path(f"/proc/{int(done.stdout)}/stat")
    deadline = time.monotonic() + 10
    while worker.exists() and worker.read_text().split(")")[1].split()[0] != "Z":
        assert time.monotonic() < deadline, "the worker outlived its parent by ten seconds"
        time.sleep(0.02)


def test_a_script_without_a_main_guard_may_ask_for_isolation(tmp_path: Path) -> None:
    """Pools of the standard library start such a script again in every child."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom patchclip import load_radiograph\n"
        "print(load_radiograph(sys.argv[1], isolated=True).size)\n"
    )
    file = str(ROOT / "assets" / "examples" / "synthetic_normal.png")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script), file], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "(1024, 1024)\n", done.stderr


def test_a_forked_process_has_workers_of_its_own() -> None:
    load_radiograph(DICOM, isolated=True)
    mine = shared_pool()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            same = shared_pool() is mine
            image = load_radiograph(DICOM, isolated=True).sha256
            os.write(writing, f"{same} {image}".encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    assert os.read(reading, 200).decode() == f"False {load_radiograph(DICOM, isolated=True).sha256}"
    os.close(reading)


def test_messages_carry_arrays_whole_and_nothing_but_data() -> None:
    value = Done({"a": np.arange(12, dtype=np.uint16).reshape(3, 4), "b": ("text", 1.5, None, b"\0")})
    pipe = io.BytesIO()
    send(pipe, value)
    pipe.seek(0)
    read = receive(pipe, 10_000)
    np.testing.assert_array_equal(read.value["a"], value.value["a"])
    assert read.value["b"] == value.value["b"]
    for hostile in (os.system, Path("/"), subprocess.Popen, pickle.Unpickler):
        pipe = io.BytesIO()
        send(pipe, hostile)
        pipe.seek(0)
        with pytest.raises(pickle.UnpicklingError, match="no data"):
            receive(pipe, 10_000)


def test_a_bomb_in_a_png_costs_a_worker_and_no_memory_here() -> None:
    """Fewer pixels than the limit, more memory in colour with opacity than a worker may have."""
    out = io.BytesIO()
    Image.new("RGBA", (7500, 7500), (9, 9, 9, 255)).save(out, "PNG", compress_level=1)
    pool = WorkerPool(1, Limits(memory_mb=600))
    with pytest.raises(IsolationError, match="600 MB") as caught:
        pool.run("read_radiograph", out.getvalue())
    assert caught.value.cause == "memory"
    pool.close()
