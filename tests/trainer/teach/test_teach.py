"""A planted mistake is corrected by readings, taught, and gone; a model that got worse is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patchclip import Engine, load_radiograph
from patchclip.model.checkpoint import load_checkpoint
from tests.tiny import tiny_checkpoint
from tests.trainer.reading_room import ReadingRoom, Said
from tests.trainer.teach.conftest import EFFUSION, NODULE, PLANTED, Film, films, write_dataset, write_film
from trainer.__main__ import main
from trainer.config import FitConfig
from trainer.data.sample import Sample, State
from trainer.data.split import hold_out
from trainer.teach import against
from trainer.teach.against import held_out_from_both
from trainer.teach.history import Division
from trainer.teach.material import is_held_out

READ, UNSEEN = 40, 12
STEPS = ("--set", "optim.epochs=[5]", "--set", "optim.lr_heads=2e-3", "--set", "optim.lr_tower=1e-3")
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

    # The same two models, compared as any two are: the same images, the same figures.
    there = tmp_path / "there"
    compared = ["compare", "--data", source, "--old", str(planted), "--new", str(out)]
    assert main([*compared, "--out", str(there)]) == 0
    forth = json.loads((there / "compare.json").read_text())
    told = record["comparisons"]["held-out readings"]
    assert forth["comparisons"]["held-out readings"] == told
    assert (forth["old"], forth["new"]) == (record["parent"], record["model"]) and forth["left_out"] == 0
    assert (
        f"| agreement with readers | {told['headlines']['agreement']['old']['value']:.3f} |"
        in (there / "compare.md").read_text()
    )


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


def test_no_teaching_of_either_learnt_from_what_both_are_compared_on(planted: Path, tmp_path: Path) -> None:
    parent = load_checkpoint(planted)
    drawn = films(28, 1000)
    paths = [write_film(tmp_path / f"{n:02d}.png", item) for n, item in enumerate(drawn)]
    read = [Sample(path, None, "feedback", {EFFUSION: State.PRESENT}) for path in paths[:12]]
    original = [Sample(path, f"p{n}", "drawn", {EFFUSION: State.ABSENT}) for n, path in enumerate(paths[8:])]
    config = FitConfig.from_dict({**PLANTED, "model": parent.model.config.to_dict()})
    by_recipe = Division.of(config, 1.0)

    def held(*divisions: Division, beside: Sequence[Sample] = ()) -> dict[str, set[str]]:
        sets = held_out_from_both(read, beside, config, divisions, parent).sets
        return {where: {item.sample.path.name for item in items} for where, items in sets.items()}

    names = {path.name: load_radiograph(path).sha256 for path in paths[:12]}
    assert held() == {"held-out readings": set(names)}  # neither was taught
    half, other = replace(by_recipe, share=0.5), replace(by_recipe, share=0.5, seed=1)
    kept = {name for name, sha in names.items() if is_held_out(sha, 0.5, 0)}
    both = {name for name in kept if is_held_out(names[name], 0.5, 1)}
    assert held(half)["held-out readings"] == kept < set(names)
    assert held(half, other)["held-out readings"] == both < kept
    assert held(replace(half, share=0.0)) == {}

    # Of original images those of the held-out patients of every division, and no film that was trained on.
    dev = {sample.path.name for sample in hold_out(original, 0.4, config.seed)[1]}
    trained = {sample.path.name for sample in original} - dev
    told = held(beside=original)
    assert told["held-out original data"] == dev - set(names) and dev - set(names)
    assert told["held-out readings"] == set(names) - trained and trained & set(names)
    again = {sample.path.name for sample in hold_out(original, 0.4, 1)[1]} & dev
    told = held(other, beside=original)
    assert told.get("held-out original data", set()) == again - set(names) < dev


def test_what_cannot_be_compared_is_a_sentence(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(against, "seen", lambda *_: set())  # a model may tell a drawn finding by chance
    room = ReadingRoom(tmp_path, [write_film(tmp_path / "films" / "0.png", films(1, 0)[0])])
    one, two = (tiny_checkpoint(tmp_path / f"tiny-{seed}", seed) for seed in (0, 1))
    arguments = ["compare", "--data", f"feedback:{room.database}", "--out", str(tmp_path / "out")]

    def said(old: Path, new: Path) -> str:
        assert main([*arguments, "--old", str(old), "--new", str(new)]) == 1
        return capsys.readouterr().err

    assert "Both are the same model; name two that differ" in said(one, one)
    assert "No case with readings and no original image is held out from both models" in said(one, two)
    record = {"model": {"sha256": load_checkpoint(two).sha256}, "readings": {}}
    (two / "teach.json").write_text(json.dumps(record))
    assert "does not say which cases the model was kept from; teach the model again" in said(one, two)
    (two / "teach.json").write_text(json.dumps({"model": {"sha256": "0" * 64}, "divisions": []}))
    assert "teach.json is another model's" in said(one, two)
    (tmp_path / "out").mkdir()
    assert "is there already; name another folder" in said(one, planted)
    assert not list(tmp_path.glob(".*partial"))
