"""Checkpoints: safetensors for the weights and one JSON for everything that belongs to them; never pickle."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from patchclip.accuracy import ACCURACY, DiagnosticAccuracy, accuracy_records, load_accuracy
from patchclip.errors import CheckpointError
from patchclip.files import atomic
from patchclip.model.calibration import Calibration
from patchclip.model.config import ModelConfig
from patchclip.model.patchclip import PatchCLIP
from patchclip.model.prevalence import (
    PREVALENCE,
    Prevalence,
    at_prevalence,
    load_prevalence,
    prevalence_note,
    read_prevalence,
)
from patchclip.model.prompts import PROMPTS, PromptEmbeddings, embed_prompts, load_prompts, save_prompts
from patchclip.records import parse_json
from patchclip.text.vocabulary import Vocabulary

WEIGHTS, RECORD = "model.safetensors", "model.json"
FORMAT = 1
SECTIONS = ("config", "vocabulary", "calibration", "gates")
SPARE_TIMM, SPARE_CLIP = 2**26, 2**30
"""Parameters that a model may have while it is built and that its weights do not hold: a trunk's classifier;
a CLIP's text half."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model with all that decides its answers.

    Attributes:
        model: in evaluation mode, on the CPU.
        vocabulary: the findings that it was trained on, with their prompts.
        calibration: from logits to probabilities and operating points.
        gates: parameters of the query and image gates, as their classes wrote them; empty when none was
            fitted.
        sha256: of weights and record together; tells two models apart in feedback and reports.
        note: a warning that goes with every image that the model encodes, or None.
        prevalence: how often findings were present where the calibration was fitted, by label; empty where
            that is not known.
        accuracy: sensitivity and specificity of the operating points on held-out images, by label; empty
            where nobody measured them.
        prompts: of its findings, embedded beforehand, by label; empty where nobody did that.
    """

    model: PatchCLIP
    vocabulary: Vocabulary
    calibration: Calibration
    gates: dict[str, Any]
    sha256: str
    note: str | None = None
    prevalence: Mapping[str, Prevalence] = field(default_factory=dict)
    accuracy: Mapping[str, DiagnosticAccuracy] = field(default_factory=dict)
    prompts: Mapping[str, PromptEmbeddings] = field(default_factory=dict)

    def at_prevalence(self, texts: Sequence[str]) -> Checkpoint:
        """The same model for images of which other shares have the findings; every image says so.

        texts: as of `read_prevalence`.

        Raises:
            DataError, CheckpointError: see `read_prevalence` and `at_prevalence`.
        """
        wanted = read_prevalence(texts, self.vocabulary)
        notes = [note for note in (self.note, prevalence_note(wanted)) if note]
        return replace(
            self,
            calibration=at_prevalence(self.calibration, self.prevalence, wanted),
            note=" ".join(notes) or None,
        )


def save_checkpoint(
    folder: Path,
    model: PatchCLIP,
    vocabulary: Vocabulary,
    calibration: Calibration | None = None,
    gates: dict[str, Any] | None = None,
    prevalence: Mapping[str, Prevalence] | None = None,
    accuracy: Mapping[str, DiagnosticAccuracy] | None = None,
) -> None:
    """Writes a checkpoint folder, file by file atomically. Weights go as float16 and normalisation statistics
    as float32.

    Halving the weights changes a probability by less than 0.01 (tested), and every figure is measured on the
    file as saved. Prompts that were embedded into the folder before go, as they belong to what it held; see
    `write_prompts`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROMPTS).unlink(missing_ok=True)
    buffers = {name for name, _ in model.named_buffers()}
    tensors = {
        name: (value if name in buffers or not value.is_floating_point() else value.half()).contiguous().cpu()
        for name, value in model.state_dict().items()
    }
    record = {
        "format": FORMAT,
        "config": model.config.to_dict(),
        "vocabulary": vocabulary.to_dict(),
        "calibration": (calibration or Calibration.identity(vocabulary.labels)).to_dict(),
        "gates": gates or {},
    }
    with atomic(folder / WEIGHTS) as file:
        file.write_bytes(safetensors.torch.save(tensors))
    with atomic(folder / RECORD) as file:
        file.write_bytes((json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
    if prevalence is not None:
        counts = {label: asdict(item) for label, item in prevalence.items()}
        with atomic(folder / PREVALENCE) as file:
            file.write_bytes((json.dumps(counts, indent=1) + "\n").encode())
    if accuracy is not None:
        with atomic(folder / ACCURACY) as file:
            file.write_bytes((json.dumps(accuracy_records(accuracy), indent=1) + "\n").encode())


def load_checkpoint(folder: Path, *, prompts: bool = True) -> Checkpoint:
    """Reads a checkpoint folder.

    prompts: whether to read those that were embedded into it beforehand.

    Raises:
        CheckpointError: a file is missing or damaged, the format is newer, something in the record is not
            what it should be, weights and config do not fit, or a weight is not finite.
    """
    weights, text = _content(folder, WEIGHTS), _content(folder, RECORD)
    record = _record(text, folder / RECORD)
    tensors = _tensors(weights, folder)
    vocabulary = Vocabulary.from_dict(record["vocabulary"])
    calibration = Calibration.from_dict(record["calibration"])
    if missing := sorted(set(vocabulary.labels) - set(calibration.findings)):
        raise CheckpointError(
            f"The checkpoint's calibration lacks {missing[0][:60]}, which its vocabulary has; calibrate "
            "it again."
        )
    config = ModelConfig.from_dict(record["config"])
    spare = SPARE_TIMM if config.tower.startswith("timm:") else SPARE_CLIP
    with _at_most(sum(value.numel() for value in tensors.values()) + spare):
        model = PatchCLIP(config)
    _fill(model, tensors, folder)
    model.eval().requires_grad_(False)
    sha256 = hashlib.sha256(weights + text).hexdigest()
    return Checkpoint(
        model=model,
        vocabulary=vocabulary,
        calibration=calibration,
        gates=record["gates"],
        sha256=sha256,
        prevalence=load_prevalence(folder),
        accuracy=load_accuracy(folder),
        prompts=load_prompts(folder, vocabulary, config.embed_dim, sha256) if prompts else {},
    )


def write_prompts(folder: Path) -> str:
    """Embeds the prompts of a checkpoint's findings and keeps them in its folder; the rest of it stays as it
    is, and so does its hash.

    Returns:
        The hash.

    Raises:
        CheckpointError: see `load_checkpoint`; or the text encoder is not installed.
    """
    checkpoint = load_checkpoint(folder, prompts=False)
    save_prompts(folder, embed_prompts(checkpoint.model, checkpoint.vocabulary), checkpoint.sha256)
    return checkpoint.sha256


def image_size_of(folder: Path) -> int:
    """Length of a checkpoint's square input in pixels, without reading its weights.

    Raises:
        CheckpointError: there is no readable record.
    """
    return ModelConfig.from_dict(_record(_content(folder, RECORD), folder / RECORD)["config"]).image_size


def _content(folder: Path, name: str) -> bytes:
    """Of one file of a checkpoint."""
    try:
        return (folder / name).read_bytes()
    except (OSError, ValueError) as error:  # too long a path, or a null character in it
        raise CheckpointError(
            f"{str(folder)[:255]} holds no {name}; give the folder of a Patch-CLIP checkpoint."
        ) from error


def _record(text: bytes, path: Path) -> dict[str, Any]:
    """The record, whose sections are objects."""
    try:
        record = parse_json(text)
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON; fetch the checkpoint again.") from error
    if not isinstance(record, dict):
        raise CheckpointError(f"{path} holds no JSON object; fetch the checkpoint again.")
    if record.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has format {str(record.get('format'))[:20]}, this version reads {FORMAT}; "
            "update Patch-CLIP."
        )
    for name in SECTIONS:
        if not isinstance(record.get(name), dict):
            raise CheckpointError(f'{path} has no section "{name}"; fetch the checkpoint again.')
    if not all(isinstance(gate, dict) for gate in record["gates"].values()):
        raise CheckpointError(f"{path} has a gate that is no JSON object; fetch the checkpoint again.")
    return record


def _tensors(weights: bytes, folder: Path) -> dict[str, Tensor]:
    """The weights as they are stored; a number that is none would make every answer one, without a word."""
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(weights)
    except (safetensors.SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _unfit(folder) from error
    for name, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value.float()).all():
            raise CheckpointError(
                f"The weights in {folder} have numbers that are not finite ({name[:60]}); fetch "
                "the checkpoint again."
            )
    return tensors


def _fill(model: PatchCLIP, tensors: dict[str, Tensor], folder: Path) -> None:
    """Puts the weights into the model."""
    wanted = model.state_dict()
    if any(
        name in wanted and wanted[name].is_floating_point() != value.is_floating_point()
        for name, value in tensors.items()
    ):
        raise _unfit(folder)
    try:
        model.load_state_dict(
            {
                name: value.float() if value.dtype == torch.float16 else value
                for name, value in tensors.items()
            }
        )
    except RuntimeError as error:
        raise _unfit(folder) from error


def _unfit(folder: Path) -> CheckpointError:
    return CheckpointError(
        f"The weights in {folder} are damaged or belong to another model; fetch the checkpoint again."
    )


@contextmanager
def _at_most(parameters: int) -> Iterator[None]:
    """Models that are built inside, by this thread, have no more parameters than that.

    A record may name a tower of billions of parameters beside a small file of weights; it is told from a
    sound one before it takes all memory.
    """
    thread, total = threading.get_ident(), 0

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal total
        if threading.get_ident() == thread and parameter is not None:
            total += parameter.numel()
            if total > parameters:
                raise CheckpointError(
                    "The model config asks for a far larger model than the weights hold; fetch the "
                    "checkpoint again."
                )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()
