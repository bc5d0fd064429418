"""What a run's record says of it: recipe, data, code, machine."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch

from trainer.config import FitConfig
from trainer.data.sample import Sample
from trainer.fit.distributed import Processes
from trainer.fit.precision import chosen_precision
from trainer.fit.run_folder import fingerprint

PACKAGES = ("torch", "timm", "open_clip_torch", "numpy")


def environment(config: FitConfig, processes: Processes) -> dict[str, object]:
    """Code revision, versions, and the arithmetic that the machine does."""
    return {
        "revision": code_revision(),
        "environment": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "threads": torch.get_num_threads(),
        "device": processes.device.type,
        "precision": chosen_precision(config.optim.precision, processes.device),
    }


def data_record(
    folders: Sequence[str], splits: Sequence[str], samples: Sequence[Sample], left_out: int
) -> dict[str, object]:
    """What was read: titles of the sources, the split of each, counts, and the fingerprint of what is
    known."""
    return {
        "folders": list(folders),
        "splits": list(splits),
        "images": len(samples),
        "left_out": left_out,
        "sha256": fingerprint(samples),
    }


def code_revision() -> str:
    """The commit of the code, or "unknown" where it is no working copy or git is not installed."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parent,
        )
    except OSError:
        return "unknown"
    return answer.stdout.strip() or "unknown"
