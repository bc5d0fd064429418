"""Jobs: one at a time, at low priority, cancelled cleanly, told after a restart."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from app.models import jobs as module
from app.models.errors import ModelError
from app.models.jobs import Job, Jobs, State

STAND_IN = "stands_for_the_trainer"
LONG = [STAND_IN, "import time; print('[ 42 %] learning, step 5 of 10'); time.sleep(60)"]


@pytest.fixture(autouse=True)
def _stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that does what its argument says, for real processes of this interpreter."""
    (tmp_path / f"{STAND_IN}.py").write_text("import sys\nexec(sys.argv[1])\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def ended(jobs: Jobs, patience: float = 30) -> Job:
    """The last job, once it runs no more."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        job = jobs.last()
        assert job is not None
        if job.state != "running":
            return job
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def test_a_job_runs_alone_and_is_cancelled(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    assert jobs.last() is None
    with pytest.raises(ModelError, match="nothing to cancel"):
        jobs.cancel()
    jobs.start(LONG, tmp_path / "made", "tiny from small")
    until = time.monotonic() + 30
    while "42" not in jobs.log() and time.monotonic() < until:
        time.sleep(0.05)

    restarted = Jobs(tmp_path)  # a server that was started anew knows of it
    running = restarted.last()
    assert running is not None and running.state == "running" and running.about == "tiny from small"
    assert (running.percent, running.words) == (42, "learning, step 5 of 10")
    with pytest.raises(ModelError, match="taught or compared already"):
        restarted.start(LONG, tmp_path / "made", "another")
    pid = int((tmp_path / ".jobs" / running.name / "pid").read_text())
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, own + 10)

    restarted.cancel()
    assert ended(jobs).state == "cancelled"
    assert len(list((tmp_path / ".jobs").glob("*/job.json"))) == 1


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        ("print('[100 %] accepted')", "done", "accepted"),
        ("print('refused: it is worse'); import sys; sys.exit(3)", "refused", "it is worse"),
        ("print('error: no readings'); import sys; sys.exit(1)", "failed", "no readings"),
    ],
)
def test_how_a_job_ended_is_told(tmp_path: Path, code: str, state: str, words: str) -> None:
    jobs = Jobs(tmp_path)
    jobs.start([STAND_IN, code], tmp_path / "made", "x")
    job = ended(jobs)
    assert (job.state, job.words) == (state, words)


def test_a_job_whose_machine_was_switched_off_is_not_said_to_run(tmp_path: Path) -> None:
    folder = tmp_path / ".jobs" / "20260101-000000-abcdef"
    folder.mkdir(parents=True)
    record = {"arguments": [], "model": "x", "about": "y", "began_at": "2026-01-01T00:00:00+00:00"}
    (folder / "job.json").write_text(json.dumps(record))
    (folder / "pid").write_text(str(os.getpid()))  # given to another process since
    job = Jobs(tmp_path).last()
    assert job is not None and job.state == "interrupted"
    with pytest.raises(ModelError, match="nothing to cancel"):
        Jobs(tmp_path).cancel()


@pytest.mark.parametrize(
    ("state", "words", "said"),
    [
        ("running", "reading films", "**40 %**, reading films"),
        ("cancelled", "cancelled", "**cancelled**"),
        ("failed", "The folder holds no readings.", "**failed**, The folder holds no readings."),
    ],
)
def test_a_job_is_told_in_a_sentence_that_repeats_nothing(state: State, words: str, said: str) -> None:
    job = Job("1", state, 40, words, "2026-01-01T07:05:00+00:00", Path("made"), "tiny from small")
    assert job.sentence() == f"tiny from small, begun 2026-01-01 07:05 UTC: {said}"


def test_what_is_not_installed_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEEDED", ("trainer", "no_such_module"))
    with pytest.raises(ModelError, match=r"lacks \(no_such_module\); from a checkout run pip install -r"):
        Jobs(tmp_path).start(LONG, tmp_path / "made", "x")
    assert not (tmp_path / ".jobs").exists()
