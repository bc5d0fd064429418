"""The sentence encoder beside transformers' own BERT: the same features of the same files."""

from __future__ import annotations

import pytest
import torch

from patchclip.text.encoder import SentenceEncoder
from patchclip.text.encoder_package import encoder_folder

TEXTS = (
    "no pleural effusion",
    "a",
    " \t\n",
    "Pneumothorax, in the LEFT upper lobe; rule out déjà-vu of naïve Ångström",
    "胸部 X-ray 😀 \x00 ß —",
    "the heart is enlarged and " * 60,  # past 128 tokens
)


@pytest.fixture(scope="module")
def expected() -> torch.Tensor:
    """[N, 384], as sentence-transformers describes the model: the mean over the states, unit norm."""
    from transformers import AutoTokenizer, BertModel

    folder = encoder_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = BertModel.from_pretrained(folder, local_files_only=True).eval()
    rows = []
    with torch.no_grad():
        for text in TEXTS:  # one by one, so that nothing is padded
            tokens = tokenizer(text, truncation=True, max_length=128, return_tensors="pt")
            rows.append(model(**tokens).last_hidden_state[0].mean(dim=0))
    return torch.nn.functional.normalize(torch.stack(rows), dim=-1)


def test_features_are_those_of_transformers(expected: torch.Tensor) -> None:
    features = SentenceEncoder().encode(TEXTS)
    assert features.dtype == torch.float32 and features.shape == (len(TEXTS), 384)
    torch.testing.assert_close(features, expected, rtol=0, atol=2e-6)
    # The texts are so unlike that a wrong row would be seen.
    assert float((expected @ expected.t()).fill_diagonal_(0).max()) < 0.999


def test_a_text_has_the_same_features_alone_and_beside_longer_ones() -> None:
    together = SentenceEncoder().encode(TEXTS)
    alone = SentenceEncoder().encode(TEXTS[:1])
    torch.testing.assert_close(alone[0], together[0], rtol=0, atol=2e-6)
