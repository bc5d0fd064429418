"""Protocols: what they may say, and every fault as one sentence that names the key."""

from __future__ import annotations

import pytest

from app.study.errors import ProtocolError
from app.study.protocol import read_protocol
from tests.app.study.conftest import CROSSOVER, SEQUENTIAL
from tests.tiny import VOCABULARY


def test_findings_become_labels_and_methods_keys() -> None:
    read = read_protocol(SEQUENTIAL, VOCABULARY)
    assert read.protocol.findings == ["Effusion", "Pleural_Thickening"]
    assert read.protocol.maps == {"A": "patch", "B": "grad_cam"}
    assert (read.protocol.confidence, read.protocol.boxes, read.protocol.order) == (
        True,
        "optional",
        "random",
    )
    assert read.text == SEQUENTIAL


def test_the_hash_is_that_of_the_text() -> None:
    assert read_protocol(SEQUENTIAL, VOCABULARY).sha256 != read_protocol(SEQUENTIAL + "\n", VOCABULARY).sha256


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title =", "no TOML"),
        (SEQUENTIAL + "colour = 1\n", '"colour"'),
        (SEQUENTIAL.replace('title = "Two findings"', ""), "lacks title"),
        (SEQUENTIAL.replace('title = "Two findings"', 'title = " "'), "title"),
        (SEQUENTIAL.replace("Effusion", "Banana"), '"Banana"'),
        (SEQUENTIAL.replace('"pleural thickening"', '"pleural effusion"'), "twice"),
        (SEQUENTIAL.replace('["sequential"]', "[]"), "arms"),
        (SEQUENTIAL.replace('["sequential"]', '["sequential", "sequential"]'), "names an arm twice"),
        (SEQUENTIAL.replace('["sequential"]', '["blind"]'), "arms"),
        (SEQUENTIAL.replace('["sequential"]', '["unaided"]'), "its arms show none"),
        (SEQUENTIAL.replace("gradcam", "guessing"), '"guessing" is no method'),
        (SEQUENTIAL.replace("gradcam", "twin_patch"), "no method"),
        (SEQUENTIAL.replace("gradcam", "patch"), "one method under two names"),
        (SEQUENTIAL.replace("A =", "first ="), "maps"),
        (SEQUENTIAL.replace("seed = 7", 'seed = "7"'), "seed"),
        (SEQUENTIAL.replace("seed = 7", "seed = -1"), "seed"),
        (CROSSOVER.replace("28", "1e9"), "washout_days"),
        (CROSSOVER + 'boxes = "many"\n', "boxes"),
        (CROSSOVER + "confidence = 1\n", "confidence"),
        (CROSSOVER + "saliency_cut = 1.0\n", "saliency_cut"),
    ],
)
def test_every_fault_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(ProtocolError) as raised:
        read_protocol(text, VOCABULARY)
    sentence = str(raised.value)
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "pydantic" not in sentence
