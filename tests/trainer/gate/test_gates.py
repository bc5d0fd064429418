"""Fitting a checkpoint's gates again, from the command line."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from patchclip import Engine
from patchclip.types import FloatArray
from tests.tiny import tiny_checkpoint, tiny_dataset
from trainer.__main__ import main
from trainer.commands import evaluate_gates
from trainer.gate import fit as fitting
from trainer.gate.measure import SEED, measure_images
from trainer.gate.negatives import FAMILIES, PHOTOGRAPH, negatives, photographs


def test_gates_are_added_and_weights_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint with old aliases and no image gate gets both anew, and the same bytes of weights."""
    monkeypatch.setattr(fitting, "fit_image_gate", partial(fitting.fit_image_gate, each=10))
    data = tiny_dataset(tmp_path / "data", each=55, splits=("train",))
    folder = tiny_checkpoint(tmp_path / "tiny", prompts=False)  # embedded for the record as it was
    record = json.loads((folder / "model.json").read_text())
    record["vocabulary"]["findings"][0]["aliases"] = []
    (folder / "model.json").write_text(json.dumps(record))
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert main(["gates", "--data", str(data), "--checkpoint", str(folder)]) == 0
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() == weights
    engine = Engine.from_pretrained(folder, device="cpu")
    assert set(engine.checkpoint.gates) == {"query", "image"}
    assert engine.vocabulary.findings[0].aliases


def test_a_vocabulary_with_other_prompts_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The query gate is fitted to it; eight images are too few for an image gate."""
    folder = tiny_checkpoint(tmp_path / "tiny", prompts=False)  # embedded for the record as it was
    record = json.loads((folder / "model.json").read_text())
    record["vocabulary"]["findings"][0]["synonyms"] = ["only this"]
    data = tiny_dataset(tmp_path / "data", each=2, splits=("train",))
    (folder / "model.json").write_text(json.dumps(record))
    assert main(["gates", "--data", str(data), "--checkpoint", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "keeps its own wordings of Atelectasis," in out and "no image gate: 8 images" in out
    assert json.loads((folder / "model.json").read_text())["vocabulary"]["findings"][0]["synonyms"] == [
        "only this"
    ]


def test_photographs_to_measure_on_are_no_parts_of_those_fitted_to() -> None:
    """Whatever is drawn from: every part is found in one of the two photographs, and never in the other."""
    for for_fitting, own in ((True, 0), (False, 1)):
        for seed in (0, SEED):
            for part in negatives(PHOTOGRAPH, 6, seed, [], fitting=for_fitting):
                likeness = [
                    max(_likeness(photograph, way) for way in (part, part[:, ::-1]))
                    for photograph in photographs()
                ]
                assert likeness[own] > 0.9 > 0.8 > likeness[1 - own]


def _likeness(photograph: FloatArray, part: FloatArray) -> float:
    """The best correlation of a part with any place of a photograph."""
    return float(cv2.matchTemplate(photograph, np.ascontiguousarray(part), cv2.TM_CCOEFF_NORMED).max())


def test_both_gates_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts, shares and exact intervals, in the file and in the table; what is missing is named."""
    monkeypatch.setattr(fitting, "fit_image_gate", partial(fitting.fit_image_gate, each=10))
    monkeypatch.setattr(evaluate_gates, "measure_images", partial(measure_images, each=3))
    data = tiny_dataset(tmp_path / "data", each=55)
    folder, out, queries = tiny_checkpoint(tmp_path / "tiny"), tmp_path / "gates.json", tmp_path / "asked.csv"
    queries.write_text(
        "query,in_scope,finding\npleural effusion,yes,Effusion\nenlarged "
        "heart,yes,Mass\nbicycle,no,\ncat,no,\n"
    )
    asked = [
        "evaluate-gates",
        "--data",
        str(data),
        "--checkpoint",
        str(folder),
        "--queries",
        str(queries),
        "--out",
        str(out),
    ]
    assert main(asked) == 1 and "lacks a gate" in capsys.readouterr().err
    assert main(["gates", "--data", str(data), "--checkpoint", str(folder)]) == 0
    capsys.readouterr()
    assert main(asked) == 0
    record, table = json.loads(out.read_text()), capsys.readouterr().out
    assert record["data"] == {"folders": ["data"], "split": "val"}
    images = record["images"]
    assert images["false_alarms"]["n"] == 220 and images["false_alarms"]["value"] < 0.2
    assert {value["n"] for value in images["refused_by_family"].values()} == {3}
    total = sum(round(3 * value["value"]) for value in images["refused_by_family"].values())
    assert (
        sum(round(value["n"] * value["value"]) for value in images["refused"].values())
        == total
        > 2 * len(FAMILIES)
    )
    elsewhere = tmp_path / "elsewhere" / "images"
    elsewhere.mkdir(parents=True)
    for seed, name in enumerate(("one.png", "two.png")):
        noise = np.random.default_rng(seed).integers(0, 256, (64, 64), np.uint8)
        cv2.imwrite(str(elsewhere / name), noise)
    assert main([*asked, "--pictures", str(elsewhere)]) == 0
    more = json.loads(out.read_text())
    assert more["images"] == images
    assert more["false_alarms_elsewhere"]["elsewhere"]["value"] == 1.0  # no radiographs
    assert "| The same, images of elsewhere | 100.0 % (15.8 to 100.0) | 2 |" in capsys.readouterr().out
    assert main([*asked, "--pictures", str(elsewhere), "--pictures", str(elsewhere)]) == 1
    assert "Two folders of pictures are called elsewhere" in capsys.readouterr().err

    assert record["queries"]["asked.csv"]["finding"]["value"] == 0.5  # the list calls a heart a mass
    assert record["queries"]["asked.csv"]["scope"] == {
        "value": 1.0,
        "ci": [pytest.approx(0.025 ** (1 / 4)), 1.0],
        "n": 4,
    }
    assert "| Queries of asked.csv in scope whose finding is right | 50.0 % (1.3 to 98.7) | 2 |" in table
    queries.write_text("query,finding\ncat,\n")
    assert main(asked) == 1 and "no column in_scope" in capsys.readouterr().err
    queries.write_text("query,in_scope,finding\ncat,no,\n")
    assert main(asked) == 1 and "no query whose in_scope is yes" in capsys.readouterr().err
