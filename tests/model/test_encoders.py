"""What computes the model: ONNX Runtime and bf16 give what torch gives in full, and are named; a graph is
never another model's."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from patchclip import CheckpointError, Engine, Radiograph, load_radiograph
from patchclip.__main__ import main as command
from patchclip.execution import Backend, Execution
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.model.checkpoint import ONNX, load_checkpoint, save_checkpoint
from patchclip.model.encoders import TorchEncoder, computes_bf16, fastest
from patchclip.model.onnx import OnnxEncoder, write_onnx
from patchclip.model.patchclip import ImageEmbeddings
from tests.tiny import tiny_checkpoint

CPU = torch.device("cpu")
TEXTS = ["pleural effusion", "no cardiomegaly", "effusion on the left", "nodule"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with its graph."""
    made = tiny_checkpoint(tmp_path_factory.mktemp("onnx"))
    assert command(["onnx", "--checkpoint", str(made)]) == 0
    return made


@pytest.fixture(scope="module")
def plain(folder: Path) -> Engine:
    """The same model in torch."""
    return Engine.from_pretrained(folder, device="cpu")


def _engine(folder: Path, backend: Backend) -> Engine:
    return Engine.from_pretrained(folder, device="cpu", execution=Execution(backend))


def test_onnx_answers_as_torch_does_with_the_same_hash(
    folder: Path, plain: Engine, effusion: Radiograph
) -> None:
    graph = _engine(folder, "onnx")
    assert (plain.backend, graph.backend) == ("torch, fp32", "onnxruntime (CPU), fp32")
    assert graph.sha256 == plain.sha256
    encoded = graph.encode(effusion)
    expected = plain.query(plain.encode(effusion), TEXTS)
    assert len({round(answer.probability or 0, 3) for answer in expected}) > 1
    for answer, other in zip(graph.query(encoded, TEXTS), expected, strict=True):
        assert answer.probability == pytest.approx(other.probability, abs=1e-4)
        assert answer.map.values == pytest.approx(other.map.values, abs=1e-4)
    heat = graph.saliency(encoded, TEXTS[0], "grad_cam").values
    assert heat == pytest.approx(plain.saliency(plain.encode(effusion), TEXTS[0]).values, abs=1e-3)


def test_one_graph_takes_batches_of_any_size_and_padding(folder: Path, plain: Engine) -> None:
    encoder = OnnxEncoder(folder, plain.sha256, plain.model.grid, CPU)
    for count in (1, 5):
        pixels = torch.rand(count, 1, 64, 64, generator=torch.Generator().manual_seed(count))
        valid = torch.ones(count, *plain.model.grid, dtype=torch.bool)
        valid[0, 0] = False
        ours, theirs = TorchEncoder(plain.model)(pixels, valid), encoder(pixels, valid)
        for name in ("global_", "patches", "pooled", "tokens"):
            assert np.allclose(getattr(ours, name), getattr(theirs, name), atol=1e-4), name
        assert torch.equal(ours.valid, theirs.valid) and ours.grid == theirs.grid


def test_a_graph_of_another_model_is_refused_by_auto_too(folder: Path, plain: Engine, tmp_path: Path) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    changed = load_checkpoint(other)
    with torch.no_grad():
        changed.model.logit_bias.add_(1)
    save_checkpoint(other, changed.model, changed.vocabulary, gates=changed.gates)
    assert not (other / ONNX).exists()
    assert _engine(other, "auto").backend == "torch, fp32"
    with pytest.raises(CheckpointError, match=r"has no model\.onnx; write it with python -m patchclip onnx"):
        _engine(other, "onnx")
    shutil.copy2(folder / ONNX, other / ONNX)
    for backend in ("onnx", "auto"):
        with pytest.raises(CheckpointError, match="belongs to another model than the weights beside it"):
            _engine(other, backend)
    (other / ONNX).write_bytes(b"none")
    with pytest.raises(CheckpointError, match=r"cannot be read .*; write it again"):
        _engine(other, "onnx")


def test_without_the_package_onnx_says_what_to_install_and_auto_takes_torch(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchclip.model.onnx.importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        CheckpointError, match=r"not installed for cpu; pip install -r requirements-onnx\.txt"
    ):
        _engine(folder, "onnx")
    assert _engine(folder, "auto").backend == "torch, fp32"
    with pytest.raises(CheckpointError, match="Writing ONNX needs onnx; pip install"):
        write_onnx(folder)


def test_auto_takes_whichever_is_faster(plain: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))

    class Slow(TorchEncoder):
        def __call__(self, pixels: torch.Tensor, valid: torch.Tensor) -> ImageEmbeddings:
            next(clock)
            return super().__call__(pixels, valid)

    monkeypatch.setattr("patchclip.model.encoders.time.perf_counter", lambda: next(clock))
    slow, quick = Slow(plain.model), TorchEncoder(plain.model)
    assert fastest([slow, quick], plain.checkpoint, CPU) is quick
    assert fastest([quick, slow], plain.checkpoint, CPU) is quick


def test_the_mirror_pass_can_be_left_out_and_says_so(folder: Path, effusion: Radiograph) -> None:
    checkpoint = load_checkpoint(folder)
    mirrored = replace(checkpoint, calibration=replace(checkpoint.calibration, mirror=True))
    without = Engine(mirrored, "cpu", Execution(mirror=False))
    assert without.backend == "torch, fp32, without the mirror image"
    once = Engine(checkpoint, "cpu")
    assert once.backend == "torch, fp32"
    values = [engine.encode(effusion).embeddings.patches for engine in (without, once)]
    assert torch.equal(*values)
    assert not torch.allclose(Engine(mirrored, "cpu").encode(effusion).embeddings.patches, values[0])


def test_bf16_is_taken_where_the_processor_has_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for capabilities, name in (({"avx512_bf16": True}, "torch, bf16"), ({"avx2": True}, "torch, fp32")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda told=capabilities: told)
        engine = Engine.from_pretrained(folder, device="cpu", execution=Execution(precision="auto"))
        assert engine.backend == name
    assert not computes_bf16(CPU)


def test_bf16_moves_no_probability_of_the_bundled_model_by_a_hundredth(engine: Engine) -> None:
    half = Engine.from_pretrained(device="cpu", execution=Execution(precision="bf16"))
    assert half.backend == "torch, bf16"
    texts = [item.name for item in engine.vocabulary.findings]
    for seed, kind in enumerate(("none", "effusion", "cardiomegaly", "opacity")):
        image = Radiograph.from_array(synthetic_radiograph(kind, size=512, seed=seed).pixels)
        ours, theirs = engine.encode(image), half.encode(image)
        assert theirs.embeddings.tokens.dtype == torch.float32
        assert not torch.equal(ours.embeddings.patches, theirs.embeddings.patches)
        for answer, other in zip(half.query(theirs, texts), engine.query(ours, texts), strict=True):
            assert answer.probability == pytest.approx(other.probability, abs=0.01), (kind, answer.finding)


def test_bf16_agrees_on_real_radiographs_too(engine: Engine, data_folder: Path) -> None:
    """The first films of the held-out split; `python -m tests.benchmarks.execution` takes more."""
    with (data_folder / "nih" / "images.csv").open(newline="", encoding="utf-8") as file:
        names = [row["image"] for row in csv.DictReader(file) if row["split"] == "val"][:6]
    half = Engine.from_pretrained(device="cpu", execution=Execution(precision="bf16"))
    texts = [item.name for item in engine.vocabulary.findings]
    assert len(names) == 6
    for name in names:
        image = load_radiograph(data_folder / "nih" / "images" / name)
        ours, theirs = engine.encode(image), half.encode(image)
        for answer, other in zip(half.query(theirs, texts), engine.query(ours, texts), strict=True):
            assert answer.probability == pytest.approx(other.probability, abs=0.01), answer.finding


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(CheckpointError, match='no back end "jax"; choose one of auto, torch, onnx'):
        Execution("jax")  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match='no precision "int4"'):
        Execution(precision="int4")  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match="ONNX Runtime computes in fp32"):
        Execution("onnx", "bf16")
