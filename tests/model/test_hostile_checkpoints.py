"""Checkpoint folders that somebody damaged or made to do harm: each is refused in one sentence."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from patchclip import Engine
from patchclip.errors import CheckpointError
from patchclip.model.checkpoint import RECORD, WEIGHTS, load_checkpoint, save_checkpoint
from patchclip.model.patchclip import PatchCLIP
from tests.tiny import CONFIG, VOCABULARY

Record = dict[str, Any]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "sound"
    gates = {"query": {"weights": [30.0, -30.0, 0.0]}}
    save_checkpoint(folder, PatchCLIP(CONFIG), VOCABULARY, gates=gates)
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up of a name, or a connection, fails the test."""

    def asked(*arguments: object, **_: object) -> None:
        pytest.fail(f"the network was asked: {arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    monkeypatch.setattr(socket.socket, "connect", asked)


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "checkpoint"))


def refuse(folder: Path, words: str) -> None:
    with pytest.raises(CheckpointError, match=words) as error:
        Engine(load_checkpoint(folder), device="cpu")
    said = str(error.value)
    assert "\n" not in said and len(said) < 700 and said.endswith(".")


def test_the_checkpoint_that_the_others_depart_from_is_read(folder: Path, no_network: None) -> None:
    assert Engine(load_checkpoint(folder), device="cpu").name == "tiny"


RECORDS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is not valid JSON"),
    "cut": (b'{"format": 1, "config": {', "is not valid JSON"),
    "no text": (b"\xff\xfe\x00\xd8", "is not valid JSON"),
    "list": (b"[]", "holds no JSON object"),
    "null": (b"null", "holds no JSON object"),
    "number": (b"1", "holds no JSON object"),
    "deep list": (b"[" * 100_000, "is not valid JSON"),
    "deep object": (b'{"a":' * 100_000, "is not valid JSON"),
    "closed deep list": (b"[" * 50_000 + b"]" * 50_000, "is not valid JSON"),
    "long number": (b'{"format": ' + b"1" * 10_000 + b"}", "is not valid JSON"),
    "not a number": (b'{"format": NaN}', "is not valid JSON"),
    "no format": (b"{}", "has format None"),
    "format as text": (b'{"format": "1"}', "has format 1, this version reads 1 to 4"),
    "format list": (b'{"format": [1]}', r"has format \[1\]"),
    "nothing else": (b'{"format": 1}', 'has no section "config"'),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_what_is_no_record(folder: Path, kind: str) -> None:
    content, words = RECORDS[kind]
    (folder / RECORD).write_bytes(content)
    refuse(folder, words)


def put(path: str, value: object) -> Callable[[Record], None]:
    """Sets one place of the record, e.g. "config.levels"; DEL removes it."""

    def change(record: Record) -> None:
        *parents, last = path.split(".")
        place: Any = record
        for name in parents:
            place = place[int(name) if isinstance(place, list) else name]
        if value is DEL:
            del place[last]
        else:
            place[int(last) if isinstance(place, list) else last] = value

    return change


DEL = object()
FETCHED = "knows no model|fetched from the network"
CHANGES: dict[str, tuple[Callable[[Record], None], str]] = {
    "no config": (put("config", DEL), 'has no section "config"'),
    "no gates": (put("gates", DEL), 'has no section "gates"'),
    "no calibration": (put("calibration", DEL), 'has no section "calibration"'),
    "no vocabulary": (put("vocabulary", DEL), 'has no section "vocabulary"'),
    "config list": (put("config", []), 'has no section "config"'),
    "gates null": (put("gates", None), 'has no section "gates"'),
    "gate list": (put("gates.query", []), "a gate that is no JSON object"),
    "no query gate": (put("gates", {}), "has no query gate"),
    "query gate of text": (put("gates.query.weights", ["a", "b", "c"]), "query gate is malformed"),
    "query gate of yes": (put("gates.query.weights", [True, True, True]), "query gate is malformed"),
    "query gate of two": (put("gates.query.weights", [1.0, 2.0]), "query gate is malformed"),
    "image gate empty": (put("gates.image", {}), "image gate is malformed"),
    "image gate of numbers": (
        put("gates.image", dict.fromkeys(("mean", "scale", "components", "spread", "weights"), 1)),
        "image gate is malformed",
    ),
    "unknown field": (put("config.depth", 3), r"unknown fields \(depth\)"),
    "field missing": (put("config.levels", DEL), "lacks levels"),
    "size as text": (put("config.image_size", "64"), "image_size: Input should be a valid integer"),
    "size as yes": (put("config.image_size", True), "image_size: Input should be a valid integer"),
    "size of a fraction": (put("config.image_size", 64.5), "image_size: Input should be a valid integer"),
    "size beyond all": (put("config.image_size", 10**9), "image_size is 1000000000; set it to 2048 or less"),
    "width beyond all": (put("config.embed_dim", 10**12), "embed_dim is 10{12}; set it to 8192 or less"),
    "layers beyond all": (put("config.sparse_layers", 10**6), "sparse_layers is 1000000"),
    "blocks below none": (put("config.context_blocks", -1), "context_blocks must be 0 or more"),
    "no heads": (put("config.sparse_heads", 0), "sparse_heads is 0; set it to 1 or more"),
    "levels as text": (put("config.levels", "234"), "levels: Input should be a valid"),
    "levels of text": (put("config.levels", ["2", "3"]), "levels.0: Input should be a valid integer"),
    "no levels": (put("config.levels", []), "grid_level 3 is not among levels"),
    "levels that are not": (put("config.levels", [2, 3, 99]), "cannot give levels"),
    "levels twice": (put("config.levels", [3, 3]), "each level named once"),
    "name of lines": (put("config.name", "a\nb"), "give it 1 to 100 that can be printed"),
    "name too long": (put("config.name", "x" * 5000), "has 5000 characters"),
    "name a number": (put("config.name", 7), "name: Input should be a valid string"),
    "deviation 0": (put("config.std", 0), "std positive"),
    "downsampled to 1": (put("config.downsample_from", 1), "set it to 32 or more"),
    "tower unknown": (put("config.tower", "timm:../../etc/passwd"), FETCHED),
    "tower of the hub": (put("config.tower", "timm:hf-hub:evil/model"), FETCHED),
    "tower of the hub, old": (put("config.tower", "timm:hf_hub:evil/model"), FETCHED),
    "tower of a folder": (put("config.tower", "timm:local-dir:/tmp/evil"), FETCHED),
    "open_clip of the hub": (put("config.tower", "hf-hub:evil/model"), FETCHED),
    "open_clip of a folder": (put("config.tower", "local-dir:/tmp/evil"), FETCHED),
    "text of the hub": (put("config.tower", "roberta-ViT-B-32"), FETCHED),
    "tower null": (put("config.tower", None), "tower: Input should be a valid string"),
    "another tower": (put("config.tower", "timm:mobilenetv2_100"), "belong to another model"),
    "another width": (put("config.embed_dim", 64), "belong to another model"),
    "another size": (put("config.image_size", 66), "do not divide into one grid; set image_size"),
    "vocabulary empty": (put("vocabulary", {}), "vocabulary cannot be read"),
    "findings null": (put("vocabulary.findings", None), "vocabulary cannot be read"),
    "no findings": (put("vocabulary.findings", []), "needs findings"),
    "finding a number": (put("vocabulary.findings.0", 5), r"vocabulary cannot be read \(findings.0"),
    "label a number": (put("vocabulary.findings.0.label", 5), r"findings.0.label: Input should be a valid"),
    "label twice": (put("vocabulary.findings.0.label", "Effusion"), "a label of its own"),
    "synonyms a text": (put("vocabulary.findings.0.synonyms", "abc"), "findings.0.synonyms"),
    "endless synonym": (put("vocabulary.findings.0.synonyms", ["x" * 10**6]), "more than 500 characters"),
    "templates a text": (put("vocabulary.templates", "{}"), "templates"),
    "template that pads": (put("vocabulary.templates.positive", ["{:>99999999999}"]), "no other braces"),
    "template that looks": (put("vocabulary.templates.positive", ["{} {0.__class__}"]), "no other braces"),
    "no template": (put("vocabulary.templates.negative", []), "templates of both sides"),
    "calibration empty": (put("calibration", {}), "missing or unknown: branches"),
    "findings a list": (put("calibration.findings", []), "a part is no JSON object"),
    "a finding null": (put("calibration.findings.Mass", None), "a part is no JSON object"),
    "a finding lacking": (put("calibration.findings.Mass", DEL), "lacks Mass, which its vocabulary has"),
    "scale as text": (put("calibration.findings.Mass.image_scale", "1"), "Mass.image_scale: Input should be"),
    "scale null": (put("calibration.default.image_scale", None), "default.image_scale: Input should be"),
    "threshold 2": (put("calibration.findings.Mass.image_threshold", 2), r"a threshold outside \[0, 1\]"),
    "smoothing wide": (put("calibration.findings.Mass.smoothing", 1e9), r"a smoothing outside \[0, 64\]"),
    "no branch": (put("calibration.branches", []), "names no image-level branch"),
    "branch unknown": (put("calibration.branches", ["best"]), 'no image-level branch "best"'),
    "branches a text": (put("calibration.branches", "mil"), "branches: Input should be a valid"),
    "mirror a text": (put("calibration.mirror", "no"), "mirror: Input should be a valid boolean"),
    "regions below none": (put("calibration.min_patches", -1), "a smallest region of -1"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGES)
def test_a_record_that_cannot_be(folder: Path, kind: str, no_network: None) -> None:
    change, words = CHANGES[kind]
    record = json.loads((folder / RECORD).read_text())
    change(record)
    (folder / RECORD).write_text(json.dumps(record))
    refuse(folder, words)


def test_a_tower_far_larger_than_the_weights_is_not_built(folder: Path) -> None:
    """A thousand million parameters beside a small file: told before they take memory."""
    record = json.loads((folder / RECORD).read_text())
    put("config.tower", "timm:vit_giant_patch14_dinov2")(record)
    (folder / RECORD).write_text(json.dumps(record))
    refuse(folder, "asks for a far larger model than the weights hold")


def poisoned(tensors: dict[str, torch.Tensor], value: float) -> dict[str, torch.Tensor]:
    poison = tensors["projection.linear.weight"].clone()
    poison[0, 0] = value
    return tensors | {"projection.linear.weight": poison}


WEIGHT_CHANGES: dict[str, tuple[Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], str]] = {
    "NaN": (lambda old: poisoned(old, float("nan")), "not finite .projection.linear.weight"),
    "infinite": (lambda old: poisoned(old, float("inf")), "not finite"),
    "one missing": (lambda old: {k: v for k, v in old.items() if k != "logit_scale"}, "belong to another"),
    "one more": (lambda old: old | {"extra": torch.zeros(1)}, "belong to another"),
    "another shape": (lambda old: old | {"projection.linear.weight": torch.zeros(3, 3)}, "belong to another"),
    "whole numbers": (
        lambda old: old | {"projection.linear.weight": torch.zeros(32, 16, dtype=torch.int8)},
        "belong to another",
    ),
    "none": (lambda old: {}, "belong to another"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WEIGHT_CHANGES)
def test_weights_that_cannot_be(folder: Path, kind: str) -> None:
    change, words = WEIGHT_CHANGES[kind]
    file = folder / WEIGHTS
    safetensors.torch.save_file(change(safetensors.torch.load_file(file)), file)
    refuse(folder, words)


@pytest.mark.parametrize("seed", range(12))
def test_files_with_random_damage_are_refused_or_read_and_never_a_traceback(folder: Path, seed: int) -> None:
    """Bytes changed, cut or doubled, in one of the two files."""
    rng = np.random.default_rng(seed)
    file = folder / (RECORD if seed % 2 else WEIGHTS)
    content = bytearray(file.read_bytes())
    where = int(rng.integers(0, min(len(content), 4000)))
    if seed % 3 == 0:
        content = content[:where]
    elif seed % 3 == 1:
        content[where : where + 20] = rng.bytes(20)
    else:
        content[where:where] = content[:where]
    file.write_bytes(content)
    try:
        Engine(load_checkpoint(folder), device="cpu")
    except CheckpointError as error:
        assert "\n" not in str(error) and len(str(error)) < 700


@pytest.mark.parametrize("name", ["none", "x" * 5000, "a\0b", RECORD])
def test_a_path_that_is_no_checkpoint(folder: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match=r"holds no model\.safetensors; give the folder") as error:
        load_checkpoint(folder / name)
    assert len(str(error.value)) < 400
