"""Published models in miniature: every layout with random weights, made by the library that has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import Tensor, nn

from tests.tiny import VOCABULARY

FEW = VOCABULARY.without([label for label in VOCABULARY.labels if label not in ("Effusion", "Mass")])
"""A vocabulary whose prompts are quickly embedded."""
WORDS = [
    "no", "effusion", "pleural", "evidence", "of", "there", "is", "chest", "lung", "opacity", "heart",
    "without", "present", "absent", "findings", "consistent", "with", "showing", "x", "ray", "mass", "a",
]  # fmt: skip


def scattered(model: nn.Module, seed: int) -> nn.Module:
    """Random weights and biases everywhere, so that no part of a map stands on a 0 or a 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "logit" in name:
                parameter.copy_(torch.full_like(parameter, 4.8 if "scale" in name else -9.0))
            else:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(parameter + 0.1 * noise if parameter.ndim < 2 else 0.15 * noise)
    return model.eval().requires_grad_(False)


def plain_clip() -> open_clip.CLIP:
    """OpenAI's CLIP, as CheXzero's: a vision transformer of two layers, 4 x 4 patches of 16 pixels."""
    vision: Any = {
        "image_size": 64, "patch_size": 16, "width": 64, "layers": 2, "head_width": 64, "mlp_ratio": 4.0,
    }  # fmt: skip
    text: Any = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2}
    model = open_clip.CLIP(48, vision, text, quick_gelu=True)
    scattered(model, 1)
    return model


def bert_tokenizer(folder: Path) -> Path:
    """A WordPiece vocabulary of a few words, as `save_pretrained` writes it."""
    from transformers import BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def biomedclip(folder: Path) -> open_clip.CustomTextCLIP:
    """open_clip's own wrappers, as BiomedCLIP's: timm's smallest ViT beside a BERT of two layers.

    folder: for the configuration of the BERT, which open_clip reads from there.
    """
    from transformers import BertConfig

    BertConfig(
        vocab_size=5 + len(WORDS),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=96,
        max_position_embeddings=300,
        pad_token_id=0,
    ).save_pretrained(folder)
    vision: Any = {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "", "timm_proj": "linear"}
    text: Any = {
        "hf_model_name": str(folder),
        "hf_model_pretrained": False,
        "hf_proj_type": "mlp",
        "hf_pooler_type": "cls_last_hidden_state_pooler",
    }
    model = open_clip.CustomTextCLIP(32, vision, text)
    scattered(model, 2)
    return model


def word_tokenizer(folder: Path, *, begin: bool) -> None:
    """A tokenizer of whole words; with `begin`, as CLIP's, each sentence has a first token and ends with the
    highest."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["<unk>", "<start>", *WORDS, "<end>"] if begin else ["<pad>", "<end>", "<unk>", *WORDS]
    words = {word: number for number, word in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>" if begin else "$A <end>",
        special_tokens=[(name, words[name]) for name in ("<start>", "<end>") if name in words],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        eos_token="<end>",
        pad_token="<end>" if begin else "<pad>",
    ).save_pretrained(folder)


def hugging_face(folder: Path, kind: str) -> Any:
    """A CLIP or SigLIP folder of Hugging Face; returns transformers' model."""
    from transformers import CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

    clip = kind == "clip"
    tower = {
        "hidden_size": 32, "intermediate_size": 44, "num_hidden_layers": 2, "num_attention_heads": 2,
    }  # fmt: skip
    count = len(WORDS) + 3
    text = {**tower, "vocab_size": count, "max_position_embeddings": 16}
    text |= {"eos_token_id": count - 1, "pad_token_id": count - 1, "bos_token_id": 1} if clip else {}
    vision = {**tower, "image_size": 64, "patch_size": 16}
    model: Any
    if clip:
        model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24))
    else:
        model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    scattered(model, 3)
    model.save_pretrained(folder)
    word_tokenizer(folder, begin=clip)
    scaling = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3]}
    (folder / "preprocessor_config.json").write_text(json.dumps(scaling))
    return model


def grey(size: int, seed: int = 5) -> Tensor:
    """A random picture [1, 1, size, size] in [0, 1]."""
    return torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(seed))
