"""Checkpoints: safetensors for the weights and one JSON for everything that belongs to them; never pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors.torch

from patchclip.accuracy import ACCURACY, DiagnosticAccuracy, accuracy_records, load_accuracy
from patchclip.errors import CheckpointError
from patchclip.files import atomic
from patchclip.model.calibration import Calibration
from patchclip.model.checkpoint_format import FORMAT, read_record
from patchclip.model.config import ModelConfig
from patchclip.model.ensemble import build_ensemble, ensemble_config
from patchclip.model.patchclip import PatchCLIP
from patchclip.model.preprocess import STANDARD, InputStyle
from patchclip.model.prevalence import (
    PREVALENCE,
    Prevalence,
    at_prevalence,
    load_prevalence,
    prevalence_note,
    read_prevalence,
)
from patchclip.model.prompts import PROMPTS, PromptEmbeddings, embed_prompts, load_prompts, save_prompts
from patchclip.model.published import TOKENIZER, Published, PublishedRecord, tokenizer_files
from patchclip.model.weights import at_most, fill, read_weights
from patchclip.text.vocabulary import Vocabulary

WEIGHTS, RECORD, ONNX = "model.safetensors", "model.json", "model.onnx"
UNCALIBRATED = (
    "This model's probabilities are not calibrated: take them as relative, or fit them to labelled images "
    "with "
    "python -m trainer calibrate."
)
"""The note of a checkpoint without calibration."""
SPARE_TIMM, SPARE_CLIP, SPARE_PUBLISHED = 2**26, 2**30, 2**24
"""Parameters that a model may have while it is built and that its weights do not hold: a trunk's classifier;
a CLIP's text half; a pooling layer that nothing asks."""


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
    file as saved. A published model's weights stay as they are: its scale is often 100, under which half
    precision is not enough. Embedded prompts and an ONNX graph of what the folder held before go; see
    `write_prompts` and `patchclip.model.onnx.write_onnx`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in (PROMPTS, ONNX):
        (folder / stale).unlink(missing_ok=True)
    whole = (
        {name for name, _ in model.named_buffers()} if model.published is None else set(model.state_dict())
    )
    tensors = {
        # A copy of its own: one layer may have two names.
        name: (value if name in whole or not value.is_floating_point() else value.half()).cpu().clone()
        for name, value in model.state_dict().items()
    }
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    record = {
        "format": FORMAT,
        "config": model.config.to_dict(),
        "vocabulary": vocabulary.to_dict(),
        "calibration": (calibration or Calibration.identity(vocabulary.labels)).to_dict(),
        "gates": gates or {},
        "published": model.published.record.to_dict() if model.published else None,
        "members": [member.to_dict() for member in model.members],
    }
    if model.published and model.published.files:
        (folder / TOKENIZER).mkdir(exist_ok=True)
        for name, content in model.published.files.items():
            with atomic(folder / TOKENIZER / name) as file:
                file.write_bytes(content)
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
    record = read_record(text, folder / RECORD)
    tensors = read_weights(weights, folder)
    vocabulary = Vocabulary.from_dict(record["vocabulary"])
    calibration = Calibration.from_dict(record["calibration"])
    if missing := sorted(set(vocabulary.labels) - set(calibration.findings)):
        raise CheckpointError(
            f"The checkpoint's calibration lacks {missing[0][:60]}, which its vocabulary has; calibrate "
            "it again."
        )
    telling = calibration.sources.labels if calibration.sources else ()
    if unknown := sorted(set(telling) - set(vocabulary.labels)):
        raise CheckpointError(
            f"The checkpoint tells its sources by {unknown[0][:60]}, which its vocabulary lacks; calibrate "
            "it again."
        )
    config = ModelConfig.from_dict(record["config"])
    published = _published(record, folder)
    spare = SPARE_TIMM if config.tower.startswith("timm:") else SPARE_CLIP
    spare = spare if published is None else SPARE_PUBLISHED
    with at_most(sum(value.numel() for value in tensors.values()) + spare):
        model = _untrained(config, published, [ModelConfig.from_dict(item) for item in record["members"]])
    fill(model, tensors, folder)
    model.eval().requires_grad_(False)
    sha256 = _hash(weights, text, published)
    return Checkpoint(
        model=model,
        vocabulary=vocabulary,
        calibration=calibration,
        gates=record["gates"],
        sha256=sha256,
        note=UNCALIBRATED if calibration.is_identity else None,
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


@dataclass(frozen=True, slots=True)
class ModelInput:
    """What a checkpoint looks at: the length of its square input in pixels, and how that is made."""

    size: int
    style: InputStyle


def checkpoint_sha256(folder: Path) -> str:
    """The hash of a checkpoint folder, as `Checkpoint.sha256`, without building its model.

    Raises:
        CheckpointError: a file is missing, or the record is damaged.
    """
    weights, text = _content(folder, WEIGHTS), _content(folder, RECORD)
    return _hash(weights, text, _published(read_record(text, folder / RECORD), folder))


def model_input_of(folder: Path) -> ModelInput:
    """A checkpoint's input, without reading its weights.

    Raises:
        CheckpointError: there is no readable record.
    """
    record = read_record(_content(folder, RECORD), folder / RECORD)
    published = record["published"]
    style = STANDARD if published is None else PublishedRecord.from_dict(published).input_style
    return ModelInput(ModelConfig.from_dict(record["config"]).image_size, style)


def _published(record: dict[str, Any], folder: Path) -> Published | None:
    """What the checkpoint says of the published model that it holds, if it holds one."""
    if record["published"] is None:
        return None
    published = Published(PublishedRecord.from_dict(record["published"]), tokenizer_files(folder / TOKENIZER))
    if published.record.tokenizer.kind == "files" and not published.files:
        raise CheckpointError(
            f"{str(folder)[:255]} has lost its tokenizer (folder {TOKENIZER}); fetch the checkpoint again."
        )
    return published


def _untrained(config: ModelConfig, published: Published | None, members: list[ModelConfig]) -> PatchCLIP:
    """The model that a record describes, its weights not yet filled in.

    Raises:
        CheckpointError: an ensemble's members are not what its config says, or it is a published model, too.
    """
    if members:
        if published is not None or ensemble_config(config.name, members) != config:
            raise CheckpointError(
                "The model config is not that of the checkpoint's members; fetch the checkpoint again."
            )
        return build_ensemble(config.name, members)
    if published is None:
        return PatchCLIP(config)
    from patchclip.model.clip_parts import build_clip, published_model  # heavy: all of open_clip

    return published_model(config, build_clip(published.record.architecture), published)


def _hash(weights: bytes, text: bytes, published: Published | None) -> str:
    digest = hashlib.sha256(weights + text)
    for name, content in (published.files if published else {}).items():
        digest.update(name.encode() + content)
    return digest.hexdigest()


def _content(folder: Path, name: str) -> bytes:
    """Of one file of a checkpoint."""
    try:
        return (folder / name).read_bytes()
    except (OSError, ValueError) as error:  # too long a path, or a null character in it
        raise CheckpointError(
            f"{str(folder)[:255]} holds no {name}; give the folder of a Patch-CLIP checkpoint."
        ) from error
