"""From a published model, or a checkpoint of an earlier format, to a checkpoint folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from patchclip.accuracy import ACCURACY
from patchclip.errors import CheckpointError
from patchclip.files import atomic
from patchclip.image.geometry import Fit
from patchclip.model.branches import Branch
from patchclip.model.calibration import Calibration
from patchclip.model.checkpoint import (
    RECORD,
    UNCALIBRATED,
    WEIGHTS,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
    write_prompts,
)
from patchclip.model.checkpoint_format import read_record
from patchclip.model.clip_parts import published_model
from patchclip.model.config import LONGEST_NAME, ModelConfig
from patchclip.model.patchclip import PatchCLIP
from patchclip.model.preprocess import ChannelScaling, InputStyle
from patchclip.model.prevalence import PREVALENCE
from patchclip.model.published import Published, PublishedRecord
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import Vocabulary
from patchclip.zoo import biomedclip, plain_clip
from patchclip.zoo.hugging_face import CONFIG as HF_CONFIG
from patchclip.zoo.hugging_face import TITLES, model_type, read_hugging_face
from patchclip.zoo.named import CONFIG as OPEN_CLIP_CONFIG
from patchclip.zoo.named import is_open_clip_name, read_folder, read_named
from patchclip.zoo.source import Source, filled
from patchclip.zoo.state import read_state
from patchclip.zoo.tokenizers import tokenizer_beside

LAYOUTS = {
    "clip": plain_clip.TITLE,
    "biomedclip": biomedclip.TITLE,
    **{f"hf-{kind}": title for kind, title in TITLES.items()},
    "open_clip": "open_clip",
}
"""Key -> what it is called in a sentence."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says of a model beside what it says of itself; None keeps the latter.

    Attributes:
        name: of the checkpoint.
        tokenizer: folder with the tokenizer's files.
        mean, deviation: of the three channels, for values in [0, 1].
        fit: how a film fills the square.
    """

    name: str | None = None
    tokenizer: Path | None = None
    mean: tuple[float, float, float] | None = None
    deviation: tuple[float, float, float] | None = None
    fit: Fit | None = None


def read_model(source: str, wishes: Wishes = Wishes()) -> Source:
    """Reads a published model of any layout.

    Args:
        source: a file of weights, a folder, or open_clip's name of a model, see `read_named`.
        wishes: of the user.

    Raises:
        CheckpointError: it is of no layout that is read, or something of it is missing.
    """
    read = _read(source, tokenizer_beside(wishes.tokenizer) if wishes.tokenizer else {})
    channels = ChannelScaling(wishes.mean or read.channels.mean, wishes.deviation or read.channels.deviation)
    style = InputStyle(read.input_style.standardised, wishes.fit or read.input_style.fit)
    name = (wishes.name or read.name)[:LONGEST_NAME]
    return replace(read, name=name, channels=channels, input_style=style)


def _read(source: str, files: Mapping[str, bytes]) -> Source:
    path = Path(source)
    if path.is_dir():
        if (path / OPEN_CLIP_CONFIG).is_file():
            return read_folder(path, files)
        if model_type(path) is not None:
            return read_hugging_face(path, files or tokenizer_beside(path))
        raise CheckpointError(
            f"{str(path)[:255]} holds none of {RECORD}, {OPEN_CLIP_CONFIG} and {HF_CONFIG}; give the folder "
            "of a model "
            "of Patch-CLIP, open_clip or Hugging Face, or a file of weights."
        )
    if path.is_file():
        return _read_file(path, files)
    if is_open_clip_name(source):
        return read_named(source)
    raise CheckpointError(
        f'There is no file or folder "{source[:255]}", and open_clip knows no model of that name; check the '
        "path, or "
        "see open_clip.list_models()."
    )


def _read_file(path: Path, files: Mapping[str, bytes]) -> Source:
    """By the layout of which most names are there."""
    state = read_state(path)
    marks = {
        layout: sum(name in state for name in markers) / len(markers)
        for layout, markers in (("clip", plain_clip.MARKERS), ("biomedclip", biomedclip.MARKERS))
    }
    layout = max(marks, key=lambda key: marks[key])
    if marks[layout] == 0:
        raise CheckpointError(
            f"{path.name[:80]} has none of the names of {plain_clip.TITLE} or {biomedclip.TITLE} (its first "
            "is "
            f"{next(iter(state))[:80]}); name the open_clip model that it fits, as in "
            f"ViT-B-16/{path.name[:80]}."
        )
    if layout == "clip":
        return plain_clip.read_plain_clip(state, path.stem)
    return biomedclip.read_biomedclip(state, path.stem, files or tokenizer_beside(path.parent))


def to_checkpoint(source: Source, vocabulary: Vocabulary) -> Checkpoint:
    """A published model that answers, without calibration.

    Args:
        source: the model.
        vocabulary: findings that are recognised in queries.

    Raises:
        CheckpointError: weights and layout do not fit, or the model has no projection that patch tokens could
            take, or its tokenizer cannot be read.
    """
    clip = filled(source, LAYOUTS[source.layout])
    config = ModelConfig(
        name=source.name,
        tower=source.tower,
        text="open_clip",
        image_size=source.image_size,
        levels=(-1,),
        grid_level=-1,
        embed_dim=int(source.architecture["embed_dim"]),
        mean=0.0,
        std=1.0,
    )
    record = PublishedRecord(
        origin=f"{source.name}, SHA-256 of the weights {source.sha256}",
        layout=source.layout,
        architecture=source.architecture,
        tokenizer=source.tokenizer,
        input_style=source.input_style,
        channels=source.channels,
    )
    model = published_model(config, clip, Published(record, dict(source.files))).eval().requires_grad_(False)
    _check_tokens(model, vocabulary)
    same = Calibration.identity(vocabulary.labels)
    return Checkpoint(
        model=model,
        vocabulary=vocabulary,
        calibration=Calibration(same.findings, same.default, branches=(Branch.GLOBAL,)),
        gates={"query": QueryGate.fit(vocabulary, model.sentence_encoder).to_dict()},
        sha256=source.sha256,
        note=UNCALIBRATED,
    )


def _check_tokens(model: PatchCLIP, vocabulary: Vocabulary) -> None:
    """Whether the tokenizer is the one that the weights were trained with, as far as can be told: its tokens
    are fewer than the text tower knows."""
    assert model.published is not None
    text = model.published.record.architecture["text_cfg"]
    known = int(text.get("vocab_size") or text.get("hf_config", {}).get("vocab_size") or 0)
    prompts = [prompt for label in vocabulary.labels for prompt in vocabulary.prompts(label).positive]
    largest = int(model.published.tokenize(prompts).max())
    if known and largest >= known:
        raise CheckpointError(
            f"The tokenizer gives the token {largest}, and the text tower knows {known}; give the tokenizer "
            "that the "
            "model was published with."
        )
    with torch.no_grad():
        features = model.encode_sentences(prompts[:2])
    if features.shape[-1] != model.config.embed_dim:
        raise CheckpointError(
            f"The text tower gives {features.shape[-1]} values and the image tower "
            f"{model.config.embed_dim}; convert a "
            "model whose halves share a space."
        )


def load_open_clip(name: str, vocabulary: Vocabulary) -> Checkpoint:
    """A published model by open_clip's name, as `convert` would write it; see `read_named`.

    Raises:
        CheckpointError: see `read_named` and `to_checkpoint`.
    """
    return to_checkpoint(read_model(name), vocabulary)


def convert(source: str, out: Path, vocabulary: Vocabulary, wishes: Wishes = Wishes()) -> Checkpoint:
    """Writes a checkpoint folder, and returns what it holds.

    Args:
        source: see `read_model`; or a checkpoint folder, which is written in the format of this version, its
            answers unchanged.
        out: the folder; it may hold no checkpoint yet.
        vocabulary: findings that are recognised in queries; of a published model.
        wishes: of the user; of a published model.

    Raises:
        CheckpointError: see `read_model` and `to_checkpoint`; or the folder holds a checkpoint.
    """
    if (out / RECORD).exists():
        raise CheckpointError(f"{str(out)[:255]} holds a checkpoint already; name another folder.")
    if (Path(source) / RECORD).is_file():
        _upgrade(Path(source), out)
        write_prompts(out)
        return load_checkpoint(out)
    checkpoint = to_checkpoint(read_model(source, wishes), vocabulary)
    save_checkpoint(
        out, checkpoint.model, checkpoint.vocabulary, checkpoint.calibration, gates=checkpoint.gates
    )
    write_prompts(out)
    return load_checkpoint(out)


def _upgrade(source: Path, out: Path) -> None:
    """The same weights and tables beside a record of this version's format."""
    load_checkpoint(source)  # says what is wrong with it
    record = read_record((source / RECORD).read_bytes(), source / RECORD)
    out.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS, PREVALENCE, ACCURACY):
        if (source / name).is_file():
            with atomic(out / name) as file:
                shutil.copyfile(source / name, file)
    with atomic(out / RECORD) as file:
        file.write_bytes((json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
