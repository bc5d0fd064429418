"""The vocabulary's prompts as a model embeds them, kept beside its checkpoint: a query of a finding that the
model was trained on then needs no text encoder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import torch
from torch import Tensor
from torch.nn import functional as F

from patchclip.errors import CheckpointError
from patchclip.files import atomic
from patchclip.model.patchclip import PatchCLIP
from patchclip.text.vocabulary import PromptPair, Vocabulary

PROMPTS = "prompts.safetensors"
FORMAT = "1"
REMEDY = "run python -m trainer prompts --checkpoint on its folder"


@dataclass(frozen=True, slots=True)
class PromptEmbeddings:
    """The two ends of a prompt pair, each the mean over its wordings: float32 [D], unit norm."""

    positive: Tensor
    negative: Tensor


@torch.inference_mode()
def embed_pair(model: PatchCLIP, pair: PromptPair) -> PromptEmbeddings:
    """Both ends of a pair, on the model's device."""

    def end(prompts: tuple[str, ...]) -> Tensor:
        wordings = model.project_text(model.encode_sentences(list(prompts)))
        return F.normalize(wordings.mean(dim=0), dim=0)

    return PromptEmbeddings(end(pair.positive), end(pair.negative))


def embed_prompts(model: PatchCLIP, vocabulary: Vocabulary) -> dict[str, PromptEmbeddings]:
    """Those of every finding, by label."""
    return {label: embed_pair(model, vocabulary.prompts(label)) for label in vocabulary.labels}


def save_prompts(folder: Path, prompts: Mapping[str, PromptEmbeddings], sha256: str) -> None:
    """Writes a checkpoint's `PROMPTS`.

    The file stands beside weights and record and has no part in the model's hash, since all of it follows
    from the two; it names that hash, so that it is never taken for another model's.

    sha256: of the checkpoint whose prompts they are.
    """
    from safetensors.torch import save

    tensors = {
        "positive": torch.stack([pair.positive for pair in prompts.values()]).float().cpu().contiguous(),
        "negative": torch.stack([pair.negative for pair in prompts.values()]).float().cpu().contiguous(),
    }
    about = {"format": FORMAT, "labels": json.dumps(list(prompts)), "sha256": sha256}
    with atomic(folder / PROMPTS) as file:
        file.write_bytes(save(tensors, about))


def load_prompts(
    folder: Path, vocabulary: Vocabulary, embed_dim: int, sha256: str
) -> dict[str, PromptEmbeddings]:
    """By label; empty where the checkpoint was made before there were any, or nobody embedded them.

    Args:
        folder: the checkpoint's.
        vocabulary: the checkpoint's.
        embed_dim: D.
        sha256: the checkpoint's.

    Raises:
        CheckpointError: the file is damaged, newer than this version, or belongs to another model.
    """
    path = folder / PROMPTS
    if not path.exists():
        return {}
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in ("positive", "negative")}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged; {REMEDY}.") from error
    if about.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has format {str(about.get('format'))[:20]}, this version reads {FORMAT}; "
            "update Patch-CLIP."
        )
    if about.get("sha256") != sha256 or about.get("labels") != json.dumps(list(vocabulary.labels)):
        raise CheckpointError(f"{path} belongs to another model than the weights beside it; {REMEDY}.")
    for values in tensors.values():
        if values.dtype != torch.float32 or tuple(values.shape) != (len(vocabulary.labels), embed_dim):
            raise CheckpointError(f"{path} is damaged; {REMEDY}.")
        if not torch.allclose(values.norm(dim=1), torch.ones(len(values)), atol=1e-3):
            raise CheckpointError(f"{path} has embeddings that are not of unit length; {REMEDY}.")
    return {
        label: PromptEmbeddings(positive, negative)
        for label, positive, negative in zip(
            vocabulary.labels, tensors["positive"], tensors["negative"], strict=True
        )
    }
