"""Two processes against one with the whole batch: what the weights move by, not where they end, for they
hardly move."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from patchclip.model.patchclip import PatchCLIP
from patchclip.text.encoder import shared_encoder
from tests.tiny import CONFIG, ROOT, short_vocabulary, tiny_dataset, tiny_reports
from tests.tiny import RECIPE as TINY_RECIPE
from tests.trainer.fit.runs import changes, fit_arguments
from tests.trainer.fit.together import norms
from trainer.__main__ import main

# By SGD, whose steps are the gradient's: AdamW's first ones follow its sign, which rounding can turn.
# Clipping would hide a sum in place of a mean, and in two steps a rounding error has no time to grow.
RECIPE: dict[str, Any] = {
    **TINY_RECIPE,
    "data": {**TINY_RECIPE["data"], "dev_fraction": 0.0, "samples_per_epoch": 16},
    "optim": {
        **{
            **TINY_RECIPE["optim"],
            "epochs": [1],
            "sizes": [64],
            "precision": "fp32",
            "kind": "sgd",
            "momentum": 0.0,
            "clip": 1e9,
        },
        **dict.fromkeys(("lr_heads", "lr_tower", "lr_text"), 1e-4),
    },
}
FROZEN = ["loss.sparse=0", 'optim.frozen=["tower.visual"]']
# Statistics of a handful of values multiply rounding from layer to layer: the tower's stay as they are, and
# have a test of their own below.
NORMS = [
    name
    for name, module in PatchCLIP(CONFIG).named_modules()
    if isinstance(module, nn.BatchNorm2d) and name.startswith("tower")
]
RUNS = {
    "heads": ("images", FROZEN),
    "tower and sparse term": ("images", [f"optim.frozen={json.dumps(NORMS)}"]),
    "tower divided": ("images", [f"optim.frozen={json.dumps(NORMS)}", "optim.shard_tower=true"]),
    "reports": ("reports", [*FROZEN, "loss.report=1", "loss.sentences=1"]),
    "reports by siglip": ("reports", [*FROZEN, "loss.report=1", 'loss.report_kind="siglip"']),
}

MOMENTS = ('optim.kind="adamw"', "save_every=1")
"""Of the optimiser, which are divided as the weights are."""


def arguments(place: Path, name: str, out: str, *more: str) -> list[str]:
    data, fields = RUNS[name]
    return fit_arguments(place, place / out / name, *changes(*fields, *more), data=data)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every run by two processes, launched once."""
    folder = tmp_path_factory.mktemp("processes")
    tiny_dataset(folder / "images", each=4, splits=("train",))
    tiny_reports(folder / "reports")
    (folder / "recipe.json").write_text(json.dumps(RECIPE))
    short_vocabulary(folder)
    cache = ["--cache", str(folder / "cache")]  # filled by the first process, while the other waits
    runs = [{"arguments": [*arguments(folder, name, "two"), *cache], "cut": 0} for name in RUNS]
    for out, cut, more in (("whole", 0, []), ("left", 1, []), ("cut", 1, []), ("cut", 0, ["--resume"])):
        divided = arguments(folder, "tower divided", out, *MOMENTS)
        runs.append({"arguments": [*divided, *cache, *more], "cut": cut})
    (folder / "runs.json").write_text(json.dumps(runs))
    # Two machines of one process each, as far as torchrun knows: both are this one, and meet on its loopback.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = f"127.0.0.1:{free.getsockname()[1]}"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    launcher += ["--rdzv-backend", "c10d", "--rdzv-endpoint", meeting, "--rdzv-id", "test"]
    work = ["-m", "tests.trainer.fit.together", str(folder / "runs.json"), str(folder / "norms.pt")]
    machines = [
        subprocess.Popen(
            [*launcher, "--node-rank", str(rank), "--local-addr", "127.0.0.1", *work],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        said = [machine.communicate(timeout=300)[1] for machine in machines]
    finally:
        for machine in machines:
            machine.kill()
    assert [machine.returncode for machine in machines] == [0, 0], "".join(said)[-2000:]
    return folder


@pytest.fixture(autouse=True)
def _own_features() -> None:
    """As in the two processes, no sentence was encoded before: one encoded among others, or by more threads,
    differs by rounding, which the hundreds of steps that align the prompts multiply."""
    shared_encoder.cache_clear()


def learnt(run: Path) -> dict[str, torch.Tensor]:
    """What was trained at full precision: the state's weights without the statistics of batch norm."""
    state = torch.load(run / "state.pt", weights_only=True)["learner"]
    return {
        name: value for name, value in state.items() if value.is_floating_point() and "running" not in name
    }


def losses(run: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((run / "log.jsonl").read_text())["losses"]
    return found


@pytest.mark.parametrize("name", RUNS)
def test_two_processes_move_the_weights_as_one_with_the_whole_batch(place: Path, name: str) -> None:
    still = [f"optim.lr_{part}=0" for part in ("heads", "tower", "text")]
    assert main(arguments(place, name, "start", *still)) == 0  # the weights before the first step
    assert main(arguments(place, name, "one")) == 0
    start, one, two = (learnt(place / out / name) for out in ("start", "one", "two"))
    assert start.keys() == one.keys() == two.keys()
    groups = sorted({key.split(".")[1] for key in start})
    for group in groups:  # one part must not hide another that moves less
        keys = [key for key in start if key.split(".")[1] == group]
        moved = sum(float((one[key] - start[key]).double().square().sum()) for key in keys) ** 0.5
        apart = sum(float((two[key] - one[key]).double().square().sum()) for key in keys) ** 0.5
        assert apart <= 1e-3 * moved, group
    assert "tower" in name or all(torch.equal(one[key], start[key]) for key in start if ".tower." in key)
    assert any(not torch.equal(one[key], start[key]) for key in start)
    expected, found = losses(place / "one" / name), losses(place / "two" / name)
    assert found == pytest.approx(expected, rel=1e-5)
    assert "reports" not in name or expected["report"] > 0


def test_a_divided_tower_goes_on_to_the_same_bits_and_in_one_process(place: Path) -> None:
    """Cut after one of two steps: weights, their average and the optimiser's moments."""
    whole, cut = (
        torch.load(place / out / "tower divided" / "state.pt", weights_only=True) for out in ("whole", "cut")
    )
    assert whole["progress"]["total"] == cut["progress"]["total"] == 2
    left = torch.load(place / "left" / "tower divided" / "state.pt", weights_only=True)
    assert left["progress"]["total"] == 1
    moved = 0
    for part in ("learner", "ema"):
        assert whole[part].keys() == cut[part].keys()
        for name, value in whole[part].items():
            assert torch.equal(value, cut[part][name]), name
            moved += not torch.equal(value, left[part][name])
    assert moved
    moments = whole["optimiser"]["state"]
    assert moments.keys() == cut["optimiser"]["state"].keys() and moments
    for number, entry in moments.items():
        for name, value in entry.items():
            again = cut["optimiser"]["state"][number][name]
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(again)), name

    alone = arguments(place, "tower divided", "left", *MOMENTS)
    assert main([*alone, "--cache", str(place / "cache"), "--resume"]) == 0
    after = torch.load(place / "left" / "tower divided" / "state.pt", weights_only=True)
    assert after["progress"]["total"] == 2
    assert losses(place / "left" / "tower divided") == pytest.approx(
        losses(place / "cut" / "tower divided"), rel=1e-4
    )


def test_batch_statistics_are_those_of_all_processes(place: Path) -> None:
    """Gradients and running statistics of two halves of a batch against plain batch norm over the whole."""
    whole, found = norms(shared=False, rank=0, world=1), torch.load(place / "norms.pt", weights_only=True)
    assert found.keys() == whole.keys() and "grad 1.weight" in whole and "1.running_var" in whole
    for name, value in whole.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-5, msg=name)
