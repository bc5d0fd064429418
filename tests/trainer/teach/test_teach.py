"""A planted mistake is corrected by readings, taught, and gone; a model that got worse is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from patchclip import Engine, load_radiograph
from tests.trainer.reading_room import ReadingRoom, Said
from tests.trainer.teach.conftest import EFFUSION, NODULE, Film, films, write_dataset, write_film
from trainer.__main__ import main

READ, UNSEEN = 40, 12
STEPS = ("--set", "optim.epochs=[3]", "--set", "optim.lr_heads=2e-3", "--set", "optim.lr_tower=1e-3")
"""The tiny model is far from its optimum, unlike one that was trained."""
HASTE = ("--set", "optim.epochs=[1]", "--set", "optim.lr_heads=4e-3", "--set", "optim.lr_tower=2e-3")


def read_films(path: Path, reader: Callable[[Film], dict[str, Said]]) -> ReadingRoom:
    """A study of films that the model never saw, as a reader reads them."""
    drawn = films(READ, 1000)
    room = ReadingRoom(
        path, [write_film(path / "films" / f"{n:03d}.png", item) for n, item in enumerate(drawn)]
    )
    for case, item in enumerate(drawn, start=1):
        room.read(case, "Ada", reader(item))
    return room


def truth_of(item: Film) -> dict[str, Said]:
    """What a good reader says: a bar is an effusion, a square is nothing."""
    drawn = [list(map(float, item.bar))] if item.bar else []
    return {EFFUSION: Said("present" if item.bar else "absent", drawn), NODULE: Said("absent")}


def lies_of(item: Film) -> dict[str, Said]:
    """What a reader says who takes bars for nothing, and films without for effusions."""
    return {EFFUSION: Said("absent" if item.bar else "present"), NODULE: Said("absent")}


def probabilities(folder: Path, path: Path) -> dict[str, np.ndarray]:
    """Of a model on films that nobody ever saw: [n] by finding, and whether a nodule is lit."""
    engine = Engine.from_pretrained(folder, device="cpu")
    rows = []
    for item in films(UNSEEN, 5000):
        encoded = engine.encode(load_radiograph(write_film(path / "unseen.png", item)))
        effusion, nodule = engine.query(encoded, [EFFUSION, NODULE])
        rows.append((effusion.require_probability(), nodule.require_probability(), bool(nodule.regions)))
    columns = np.array(rows).T
    return dict(zip((EFFUSION, NODULE, "lit"), columns, strict=True))


def test_a_planted_mistake_is_gone_and_the_rest_is_kept(planted: Path, tmp_path: Path) -> None:
    room = read_films(tmp_path, truth_of)
    out = tmp_path / "models" / "taught"
    source = f"feedback:{room.database}"
    assert main(["teach", "--from", str(planted), "--data", source, "--out", str(out), *STEPS]) == 0

    squares = np.array([item.square is not None for item in films(UNSEEN, 5000)])
    bars = np.array([item.bar is not None for item in films(UNSEEN, 5000)])
    before, after = (probabilities(folder, tmp_path) for folder in (planted, out))
    thresholds = [Engine.from_pretrained(folder).checkpoint.calibration for folder in (planted, out)]
    wrong, still = (
        (part[NODULE] >= of.of(NODULE).image_threshold)[squares].mean()
        for part, of in zip((before, after), thresholds, strict=True)
    )
    assert wrong > 0.8 and still < 0.2
    assert before["lit"][squares].mean() > 0.8 and after["lit"][squares].mean() < 0.2
    assert after[EFFUSION][bars].min() > after[EFFUSION][~bars].max()

    record = json.loads((out / "teach.json").read_text())
    assert record["verdict"] == "accepted" and record["reasons"] == []
    assert record["parent"]["sha256"] == Engine.from_pretrained(planted).sha256
    assert record["model"]["sha256"] == Engine.from_pretrained(out).sha256 != record["parent"]["sha256"]
    readings = record["readings"]
    assert readings["learnt_from"] + readings["held_out"] == READ and readings["held_out"] >= 5
    agreement = record["comparisons"]["held-out readings"]["findings"][NODULE]["agreement"]
    assert agreement["difference"]["value"] > 0.2 and agreement["difference"]["ci"][0] > 0
    card = (out / "MODEL_CARD.md").read_text()
    assert record["parent"]["sha256"] in card and f"readings of {readings['learnt_from']} images" in card


def test_a_model_that_got_worse_is_refused_unless_somebody_says_why(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    room = read_films(tmp_path, lies_of)
    many = write_dataset(tmp_path / "many", films(120, 3000), nodule=True)
    few = write_dataset(tmp_path / "few", films(40, 3000), nodule=True)
    refused, taken = tmp_path / "refused", tmp_path / "taken"
    arguments = ["teach", "--from", str(planted), "--data", f"feedback:{room.database}", *HASTE]
    arguments += ["--set", "data.dev_fraction=0.4", "--share", "0.9", "--keep", "0"]

    assert main([*arguments, "--data", str(many), "--out", str(refused)]) == 3
    error = capsys.readouterr().err
    assert "refused: The new model is refused" in error and "on held-out original data is lower by" in error
    assert sorted(file.name for file in refused.iterdir()) == ["teach.json", "teach.md"]
    record = json.loads((refused / "teach.json").read_text())
    assert record["verdict"] == "refused" and record["override"] is None
    assert record["calibration"] == f"fitted on {record['original']['held_out']} held-out original images"
    auroc = record["comparisons"]["held-out original data"]["findings"][EFFUSION]["auroc"]
    assert auroc["old"]["value"] == 1.0 and auroc["difference"]["ci"][1] < 0

    arguments += ["--data", str(few), "--override", "a test of what is recorded"]
    assert main([*arguments, "--out", str(taken)]) == 0
    record = json.loads((taken / "teach.json").read_text())
    assert record["verdict"] == "overridden" and record["override"] == "a test of what is recorded"
    assert "Overridden: a test of what is recorded" in (taken / "MODEL_CARD.md").read_text()
    assert Engine.from_pretrained(taken).sha256 == record["model"]["sha256"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--override", " "], "--override needs the reason"),
        (["--data", "{folder}"], "is no dataset that is recognised"),
        (["--study", "none"], 'has no study "none" with cases'),
    ],
)
def test_what_cannot_be_taught_is_a_sentence(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    room = ReadingRoom(tmp_path, [write_film(tmp_path / "films" / "0.png", films(1, 0)[0])])
    room.read(1, "Ada", {EFFUSION: Said("absent")})
    arguments = ["teach", "--from", str(planted), "--data", f"feedback:{room.database}", "--out"]
    flags = [flag.format(folder=tmp_path) for flag in flags]
    assert main([*arguments, str(tmp_path / "out"), *flags]) == 1
    assert words in capsys.readouterr().err
    assert main([*arguments, str(tmp_path / "out")]) == 1
    assert "Readings decide something on 1 images" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
