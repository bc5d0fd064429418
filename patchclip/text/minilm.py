"""all-MiniLM-L6-v2 from its files: BERT's encoder as torch has it, and the tokenizer that comes with it.

transformers would build the same, but takes far longer to be loaded than the model to be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH, HEADS, INNER, LAYERS = 384, 12, 1536, 6
EPSILON = 1e-12
"""Of its layer norms."""
LONGEST = 128
"""Tokens of a text; what follows is left out, as where the model was trained."""
PARTS = {
    "self_attn.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm2": "output.LayerNorm",
}
"""Part of torch's encoder layer -> the same part of BERT's; see `_renamed` for the rest of attention."""


class MiniLM(nn.Module):
    """Texts to sentence features (Wang et al. 2020, arXiv:2002.10957; a BERT, Devlin et al. 2019)."""

    def __init__(self, folder: Path) -> None:
        """folder: with `model.safetensors` and `tokenizer.json`, in the form of the Hugging Face hub.

        Raises:
            OSError, KeyError: a file or a weight is missing.
        """
        super().__init__()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_padding()
        self._tokenizer.enable_truncation(LONGEST)

        weights = load_file(folder / "model.safetensors")
        self._words, self._positions, types = (
            weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
        )
        self._type = types[0]  # that of a text which stands alone
        self._norm = weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"]
        with torch.device("meta"):  # every weight is assigned below
            layer = nn.TransformerEncoderLayer(
                WIDTH, HEADS, INNER, activation="gelu", layer_norm_eps=EPSILON, batch_first=True
            )
            self._encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self._encoder.load_state_dict(_renamed(weights), assign=True)
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, texts: Sequence[str]) -> Tensor:
        """[N] texts -> float32 [N, 384], unit norm: the mean over the states of a text's tokens."""
        encodings = self._tokenizer.encode_batch(list(texts))
        tokens = torch.tensor([encoding.ids for encoding in encodings])
        is_text = torch.tensor([encoding.attention_mask for encoding in encodings], dtype=torch.bool)
        embedded = self._words[tokens] + self._type + self._positions[: tokens.shape[1]]
        embedded = F.layer_norm(embedded, (WIDTH,), *self._norm, EPSILON)
        states = self._encoder(embedded, src_key_padding_mask=~is_text)
        weight = is_text.unsqueeze(-1).to(states.dtype)
        return F.normalize((states * weight).sum(dim=1) / weight.sum(dim=1), dim=-1)


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """BERT's weights by the names of torch's encoder, which holds queries, keys and values in one matrix."""
    renamed = {}
    for number in range(LAYERS):
        ours, theirs = f"layers.{number}.", f"encoder.layer.{number}."
        for kind in ("weight", "bias"):
            for name, part in PARTS.items():
                renamed[f"{ours}{name}.{kind}"] = weights[f"{theirs}{part}.{kind}"]
            renamed[f"{ours}self_attn.in_proj_{kind}"] = torch.cat(
                [weights[f"{theirs}attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
            )
    return renamed
