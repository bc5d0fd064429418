"""What is said before the first step: about the recipe, the data, and both together; never a traceback."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patchclip import DataError
from patchclip.image.geometry import Letterbox
from patchclip.text.vocabulary import Vocabulary
from tests.tiny import RECIPE, VOCABULARY, tiny_dataset
from trainer.__main__ import main
from trainer.config import AugmentConfig, FitConfig
from trainer.data.checks import check_classes, check_mirror, unknown_patients, without_copies
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample, State
from trainer.fit.provenance import code_revision

LABELS = VOCABULARY.labels


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(RECIPE))
    return path


def fit(tmp_path: Path, recipe: Path, data: Path, *more: str) -> int:
    return main(["fit", "--data", str(data), "--recipe", str(recipe), "--out", str(tmp_path / "run"), *more])


def samples(*states: dict[str, State]) -> list[Sample]:
    return [Sample(Path(f"{number}.png"), str(number), "a", said) for number, said in enumerate(states)]


def test_classes_are_counted_finding_by_finding() -> None:
    """Absent in one finding and not mentioned in another are two states, and teach nothing all the same."""
    absent, silent, present = State.ABSENT, State.NOT_MENTIONED, State.PRESENT
    with pytest.raises(DataError, match="No finding is present on some training images"):
        check_classes(samples({"Mass": absent, "Nodule": silent}, {"Mass": absent}), LABELS)
    with pytest.raises(DataError, match="nothing can be learnt"):
        check_classes(samples({"Mass": present, "Nodule": absent}, {"Mass": present}), LABELS)
    line = check_classes(
        samples({"Mass": present, "Nodule": silent, "Edema": present}, {"Mass": silent}), LABELS
    )
    assert line is not None and line.startswith(
        "one class only, so not learnt: Edema (present wherever it is known); Nodule (never present)"
    )
    assert "Fracture" in line and "Mass" not in line
    everything = dict.fromkeys(LABELS, present), dict.fromkeys(LABELS, absent)
    assert check_classes(samples(*everything), LABELS) is None


def test_held_out_images_without_a_positive_are_named_before_training(
    tmp_path: Path, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny_dataset(tmp_path / "data", each=12, splits=("train",))
    lines = (data / "images.csv").read_text().splitlines()
    # The patients that this seed holds out are those of normal images; all others are not known, so never
    # held out.
    kept = [
        ",".join([row[0], row[1] if row[6] == "No Finding" else "", *row[2:]])
        for row in (line.split(",") for line in lines[1:])
    ]
    (data / "images.csv").write_text("\n".join([lines[0], *kept]) + "\n")
    assert fit(tmp_path, recipe, data, "--set", "data.dev_fraction=0.999") == 1
    assert "No finding is present on any held-out image" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_images_that_cannot_be_read_are_named(
    tmp_path: Path, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny_dataset(tmp_path / "data", each=2, splits=("train",))
    for file in (data / "images").iterdir():
        file.write_bytes(b"no image")
    assert fit(tmp_path, recipe, data) == 1
    said = capsys.readouterr().err
    assert "No training image can be read; the first thing that was left out: 00" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"optim": ', "is not valid JSON (line 1)"),
        ("[]", "is no JSON object"),
        ('{"optim": 3}', 'section "optim" is 3; it must be an object'),
        ('{"optim": {"epochs": 3}}', "optim.epochs is 3; it must be a list of whole numbers"),
        ('{"optim": {"batch_size": "8"}}', 'optim.batch_size is "8"; it must be a whole number'),
        ('{"optim": {"compile": 1}}', "optim.compile is 1; it must be true or false"),
        ('{"augment": {"zoom": [1]}}', "augment.zoom is [1]; it must be a list of 2 numbers"),
        ('{"model": {"levels": 3}}', "model.levels is 3; it must be a list of whole numbers"),
        (
            '{"model": {"downsample_from": "a"}}',
            'model.downsample_from is "a"; it must be a whole number or null',
        ),
        ('{"data": {"labelled": {"a": "Mass"}}}', "data.labelled is"),
        ('{"seed": true}', "seed is true; it must be a whole number"),
        ('{"save_every": 0}', "save_every is 0"),
        ('{"data": {"speed": 1}}', 'section "data" has a field that does not exist (speed)'),
        ('{"model": {"speed": 1}}', 'section "model" has a field that does not exist (speed)'),
        ('{"speed": 1}', 'unknown section "speed"'),
    ],
)
def test_a_wrong_recipe_is_a_sentence(
    tmp_path: Path, recipe: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    recipe.write_text(text)
    assert fit(tmp_path, recipe, tmp_path / "absent") == 1
    assert words in capsys.readouterr().err


def test_numbers_may_be_whole_and_lists_stay_lists_in_json() -> None:
    config = FitConfig.from_dict(
        {"optim": {"clip": 2, "epochs": [1], "sizes": [384]}, "data": {"labelled": {"a": ["Mass"]}}}
    )
    assert config.optim.clip == 2 and config.data.labelled == {"a": ("Mass",)}
    assert FitConfig.from_dict(config.to_dict()) == config


def test_a_set_flag_for_what_has_no_fields_is_a_sentence(
    tmp_path: Path, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(tmp_path, recipe, tmp_path, "--set", "save_every.x=1") == 1
    assert '"save_every" has no fields' in capsys.readouterr().err


def test_a_machine_without_git_has_an_unknown_revision(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_revision() == "unknown"


def test_mirror_images_and_prompts_with_a_side_exclude_each_other() -> None:
    values: dict[str, Any] = VOCABULARY.to_dict()
    values["findings"][0]["synonyms"].append("left basal collapse")
    sided = Vocabulary.from_dict(values)
    with pytest.raises(
        DataError, match=r"left basal collapse.* of Atelectasis names a side.*augment.mirror to 0"
    ):
        check_mirror(replace(AugmentConfig(), mirror=0.5), sided)
    check_mirror(replace(AugmentConfig(), mirror=0.0), sided)
    check_mirror(replace(AugmentConfig(), mirror=0.5), VOCABULARY)


def test_sources_of_unknown_patients_are_named() -> None:
    known = [Sample(Path("a.png"), "1", "nih", {}), Sample(Path("b.png"), "2", "nih", {})]
    unknown = [Sample(Path("c.png"), None, "rsna", {})]
    assert unknown_patients(known) == []
    assert unknown_patients(known + unknown) == [
        "rsna: the patient of 1 of 1 images is not known; the same patients may be in another source"
    ]
    assert unknown_patients(unknown)[0].endswith("may be on both sides of the held-out line")
    assert unknown_patients([*known, replace(known[0], patient=None)])[0].endswith(
        "1 of 3 images is not known; the same patients may be among those that are held out"
    )


def test_a_training_image_with_the_pixels_of_a_held_out_one_is_left_out() -> None:
    def loaded(name: str, source: str, sha256: str) -> Loaded:
        return Loaded(
            np.zeros((8, 8), np.uint8), Letterbox(8, 8, 8), Sample(Path(name), None, source, {}), sha256
        )

    train = [loaded("a.png", "rsna", "1"), loaded("b.png", "rsna", "2"), loaded("c.png", "rsna", "")]
    kept, copies = without_copies(train, [loaded("z.png", "nih", "2"), loaded("y.png", "nih", "")])
    assert [item.sample.path.name for item in kept] == ["a.png", "c.png"]
    assert copies == ["b.png of rsna: the same pixels are held out, from nih"]


def test_copies_and_all_that_is_left_out_are_counted_printed_and_kept(
    tmp_path: Path, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two sources, one of which holds the other's images under other names and without patients."""
    first = tiny_dataset(tmp_path / "first", each=24, splits=("train",))
    second = shutil.copytree(first, tmp_path / "second")
    (second / "boxes.csv").unlink()
    rows = [line.split(",") for line in (second / "images.csv").read_text().splitlines()]
    for row in rows[1:]:
        (second / "images" / row[0]).rename(second / "images" / f"copy{row[0]}")
    (second / "images.csv").write_text(
        "\n".join([",".join(rows[0]), *(",".join([f"copy{r[0]}", "", *r[2:]]) for r in rows[1:])]) + "\n"
    )
    (first / "images" / "0003.png").write_bytes(b"no image")
    assert (
        fit(
            tmp_path,
            recipe,
            first,
            "--data",
            str(second),
            "--set",
            "optim.epochs=[1]",
            "--set",
            "optim.sizes=[64]",
        )
        == 0
    )
    out = capsys.readouterr().out
    held = int(re.search(r"(\d+) held out,", out)[1])  # type: ignore[index]
    assert (
        "second: the patient of 96 of 96 images is not known; the same patients may be in another source"
        in out
    )
    assert (
        "of second: the same pixels are held out, from first" in out
        and "one class only, so not learnt: " in out
    )
    assert (
        f"{95 + 96 - 2 * held} images to train on, {held} held out, {held + 1} left out, {held} of them "
        "copies" in out
    )
    lines = (tmp_path / "run" / "left_out.txt").read_text().splitlines()
    assert (
        len(lines) == held + 1 and lines[0].startswith("0003.png: ") and str(tmp_path) not in "".join(lines)
    )
    both = ["--data", str(first), "--data", str(second)]
    assert main(["calibrate", *both, "--run", str(tmp_path / "run")]) == 0
    assert "left out: 0003.png: " in capsys.readouterr().out
    assert main(["gates", *both, "--checkpoint", str(tmp_path / "run" / "best")]) == 0
    assert "left out: 0003.png: " in capsys.readouterr().out
    (tmp_path / "run" / "config.json").write_text("{}")
    assert main(["calibrate", *both, "--run", str(tmp_path / "run")]) == 1
    assert "is no record of a run" in capsys.readouterr().err
