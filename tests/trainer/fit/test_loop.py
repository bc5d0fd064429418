"""The loop as a whole: signals, parts of a batch, compilation, frozen parts, other optimisers and precisions,
reports."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from patchclip.model.patchclip import PatchCLIP
from tests.tiny import CONFIG, ROOT, VOCABULARY, tiny_reports
from tests.trainer.fit.runs import fit, fit_arguments, miniature, short_recipe
from trainer.__main__ import main
from trainer.batches.dataset import PatchDataset, collate
from trainer.batches.reports import report_features
from trainer.batches.sampling import BalancedSampler, sampling_weights
from trainer.config import AugmentConfig, DataConfig, FitConfig, LossConfig
from trainer.data.folder import read_folder
from trainer.data.loaded import load_samples
from trainer.data.sample import Sample
from trainer.data.split import hold_out
from trainer.fit.optim import make_optimiser
from trainer.objective.balance import BalanceWeights
from trainer.objective.prompts import PromptBank
from trainer.objective.total import training_loss

RECIPE = short_recipe(samples=32)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return miniature(tmp_path_factory.mktemp("loop"), RECIPE, each=8)


TRAINER = [sys.executable, "-m", "trainer"]


def losses(run: Path) -> list[dict[str, float]]:
    return [json.loads(line)["losses"] for line in (run / "log.jsonl").read_text().splitlines()]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run / "last" / "model.safetensors")


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def in_process_of_its_own(*flags: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*TRAINER, *flags], env=environment(), cwd=ROOT, check=False, capture_output=True, timeout=300
    )


@pytest.fixture(scope="module")
def whole(place: Path) -> dict[str, torch.Tensor]:
    """Where a run ends that nothing interrupts, in a process like the interrupted ones."""
    assert in_process_of_its_own(*fit_arguments(place, place / "whole")).returncode == 0
    return weights(place / "whole")


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_in_mid_epoch_loses_nothing_that_was_saved(
    place: Path, whole: dict[str, torch.Tensor], kind: signal.Signals
) -> None:
    """A power cut, and what a scheduler sends to a job whose time is up."""
    out = place / kind.name
    process = subprocess.Popen(
        [*TRAINER, *fit_arguments(place, out)],
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while not (out / "state.pt").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(kind)
    assert process.wait() == -kind, "it had ended before it could be killed"
    done = torch.load(out / "state.pt", weights_only=True)["progress"]["total"]
    assert 1 <= done < 8
    assert in_process_of_its_own(*fit_arguments(place, out), "--resume").returncode == 0
    found = weights(out)
    assert all(torch.equal(whole[name], found[name]) for name in whole)


@pytest.mark.skipif(
    shutil.which("g++") is None and shutil.which("clang++") is None,
    reason="torch.compile needs a C++ compiler",
)
def test_a_compiled_tower_learns_as_the_plain_one(place: Path, tmp_path: Path) -> None:
    """With timm's smallest tower, for compilation takes long."""
    changes = [
        'model.tower="timm:test_resnet"',
        "model.levels=[2,3,4]",
        "optim.epochs=[1]",
        "data.samples_per_epoch=16",
    ]
    shorter = [
        *fit_arguments(place, tmp_path / "plain"),
        *(part for change in changes for part in ("--set", change)),
    ]
    assert main(shorter) == 0
    assert main([*shorter, "--out", str(tmp_path / "compiled"), "--set", "optim.compile=true"]) == 0
    plain, compiled = losses(tmp_path / "plain")[0], losses(tmp_path / "compiled")[0]
    assert compiled == pytest.approx(plain, rel=0.02)
    assert (
        weights(tmp_path / "plain").keys() == weights(tmp_path / "compiled").keys()
    )  # a checkpoint does not tell


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_reports_are_fitted_beside_the_findings(place: Path, tmp_path: Path, kind: str) -> None:
    """The whole command, with reports of half of the images; by two processes in `test_processes`."""
    changes = ["loss.report=1", "loss.sentences=0.5", f'loss.report_kind="{kind}"', "augment.mirror=0.5"]
    sets = [part for change in changes for part in ("--set", change)]
    reports = tiny_reports(tmp_path / "reports", each=4)
    assert main([*fit_arguments(place, tmp_path / "run", *sets), "--data", f"openi:{reports}"]) == 0
    curve = losses(tmp_path / "run")
    assert len(curve) == 2 and {"report", "sentences", "patch", "sparse"} <= curve[0].keys()
    assert all(np.isfinite(value) for line in curve for value in line.values()) and curve[0]["report"] > 0


def test_a_batch_in_parts_has_the_gradient_of_the_whole(place: Path) -> None:
    torch.manual_seed(0)
    model = PatchCLIP(
        replace(CONFIG, embed_dim=64)
    ).eval()  # frozen statistics, the one thing that depends on the other images
    labels = list(VOCABULARY.labels)
    items, _ = load_samples(
        list(read_folder(place / "data", "train", labels=frozenset(labels)).samples)[:8], 64
    )
    dataset = PatchDataset(items, labels, model.grid[0], 64, DataConfig(), AugmentConfig())
    bank = PromptBank(model, VOCABULARY, labels)
    ones = torch.ones(len(labels))
    balance = BalanceWeights(ones, ones, ones, ones)

    def gradient(parts: int) -> torch.Tensor:
        model.zero_grad()
        size = len(items) // parts
        for start in range(0, len(items), size):
            batch = collate([dataset[k, None] for k in range(start, start + size)])
            loss = training_loss(model, batch, bank, balance, LossConfig(), None)["total"] / parts
            loss.backward()
        return torch.cat(
            [parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]
        )

    whole, parted = gradient(1), gradient(4)
    assert torch.allclose(whole, parted, rtol=1e-3, atol=1e-5 * float(whole.abs().max()))


def test_processes_and_parts_share_out_one_batch() -> None:
    chance = np.full(40, 1 / 40)
    whole = list(BalancedSampler(chance, 32, 16, seed=3))
    shares = [list(BalancedSampler(chance, 32, 16, seed=3, rank=rank, world=2, parts=2)) for rank in (0, 1)]
    assert [len(batch) for batch in shares[0]] == [4, 4, 4, 4]
    for step in (0, 1):
        assert [key for rank in (0, 1) for part in (0, 1) for key in shares[rank][2 * step + part]] == whole[
            step
        ]


@pytest.mark.parametrize(
    "changes",
    [
        ['optim.kind="sgd"', "optim.lr_tower=0.01", "optim.lr_heads=0.01"],
        ['optim.precision="fp16"'],
        ["optim.accumulate=4", 'optim.precision="bf16"'],
    ],
)
def test_other_ways_to_step_learn_too(place: Path, tmp_path: Path, changes: list[str]) -> None:
    more = [
        part for change in [*changes, "optim.epochs=[6]", "optim.ema_decay=0.5"] for part in ("--set", change)
    ]
    assert fit(place, tmp_path / "run", *more) == 0
    curve = [item["total"] for item in losses(tmp_path / "run")]
    assert np.isfinite(curve).all() and curve[-1] < curve[0]


def test_frozen_parts_stay_and_the_rest_learns(place: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    before = PatchCLIP(FitConfig.from_dict(RECIPE).model).state_dict()
    assert fit(place, tmp_path / "run", "--set", 'optim.frozen=["tower.visual"]') == 0
    after = weights(tmp_path / "run")
    backbone = [name for name in before if name.startswith("tower.visual")]
    assert backbone and all(
        torch.equal(before[name].to(after[name].dtype), after[name]) for name in backbone
    )  # running statistics too
    assert not torch.equal(before["projection.linear.weight"], after["projection.linear.weight"])


def test_each_part_has_its_own_learning_rate() -> None:
    config = FitConfig.from_dict(RECIPE)
    model = PatchCLIP(replace(config.model, downsample_from=32))
    rates = {}
    optimiser = make_optimiser(model, config)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            rates[id(parameter)] = group["lr"]
    named = {name: rates[id(parameter)] for name, parameter in model.named_parameters()}
    assert named["tower.downsampler.layers.0.weight"] == config.optim.lr_heads
    assert {rate for name, rate in named.items() if name.startswith("tower.visual")} == {
        config.optim.lr_tower
    }
    assert {rate for name, rate in named.items() if name.startswith("text_projection")} == {
        config.optim.lr_text
    }


def test_folds_part_the_patients() -> None:
    samples = [Sample(Path(f"{number}.png"), f"p{number // 2}", "a", {}) for number in range(200)]
    held = [hold_out(samples, 0.2, seed=1, offset=fold / 5)[1] for fold in range(5)]
    assert sorted(sample.path.name for part in held for sample in part) == sorted(
        sample.path.name for sample in samples
    )
    assert all(30 < len(part) < 50 for part in held)
    assert not {sample.patient for sample in held[0]} & {
        sample.patient for sample in hold_out(samples, 0.2, seed=1)[0]
    }


def test_small_datasets_can_be_drawn_as_often_as_large_ones(place: Path) -> None:
    samples = list(read_folder(place / "data", "train", labels=frozenset(VOCABULARY.labels)).samples)
    mixed = [
        replace(sample, source="small" if number < 8 else "large") for number, sample in enumerate(samples)
    ]
    items, _ = load_samples(mixed, 64)
    plain = DataConfig(boxed_weight=1, rare_power=0)
    chance = sampling_weights(items, replace(plain, source_power=1.0))
    assert chance[:8].sum() == pytest.approx(0.5) and sampling_weights(items, plain)[
        :8
    ].sum() == pytest.approx(8 / len(items))


def test_reports_are_learnt_from_and_mirrored_with_the_image(place: Path) -> None:
    torch.manual_seed(0)
    model = PatchCLIP(replace(CONFIG, embed_dim=64))
    labels = list(VOCABULARY.labels)
    samples = list(read_folder(place / "data", "train", labels=frozenset(labels)).samples)[:4]
    reports = ["Left effusion is seen.", None, "The heart is large. No effusion is seen.", "Lungs are clear."]
    items, _ = load_samples(
        [replace(sample, report=report) for sample, report in zip(samples, reports, strict=True)], 64
    )
    features = report_features(model.encode_sentences, items, 12)
    assert [len(item.plain) for item in features] == [1, 0, 2, 1]
    right = model.encode_sentences(["Right effusion is seen."]).numpy()
    assert np.allclose(features[0].mirrored, right, atol=1e-5) and not np.allclose(
        features[0].plain, right, atol=1e-2
    )
    dataset = PatchDataset(items, labels, 4, 64, DataConfig(), replace(AugmentConfig(), mirror=1.0), features)
    assert np.allclose(dataset[0, 5][-1], right, atol=1e-5)
    assert np.allclose(dataset[0, None][-1], features[0].plain)
    batch = collate([dataset[k, None] for k in range(4)])
    assert batch.reports is not None and batch.reports.mask.sum(dim=1).tolist() == [1, 0, 2, 1]


def test_a_recipe_for_reports_without_reports_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(place, tmp_path / "run", "--set", "loss.report=1") == 1
    assert "no training image has one" in capsys.readouterr().err
