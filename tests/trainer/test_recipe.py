"""Recipes: defaults, what is shipped, what extends what, and what a wrong one is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patchclip import DataError
from tests.tiny import ROOT
from trainer.__main__ import make_parser
from trainer.config import FitConfig, recipe_fields
from trainer.recipe import RECIPES, changed, find_recipe, help_text, read_recipe


def write(path: Path, values: dict[str, Any]) -> Path:
    path.write_text(json.dumps(values))
    return path


def test_what_no_recipe_names_is_the_recipe_of_nih_alone() -> None:
    assert FitConfig() == FitConfig.from_file(RECIPES / "nih.json")


def test_the_bundled_model_is_of_the_default_recipe() -> None:
    bundled = json.loads((ROOT / "assets" / "patchclip-cxr-s" / "model.json").read_text())
    assert FitConfig.from_file(RECIPES / "default.json").to_dict()["model"] == bundled["config"]


def test_the_bundled_twin_is_of_its_recipe() -> None:
    bundled = json.loads((ROOT / "assets" / "patchclip-cxr-s-twin" / "model.json").read_text())
    assert FitConfig.from_file(RECIPES / "twin.json").to_dict()["model"] == bundled["config"]


def test_the_twin_has_seven_differences() -> None:
    """It learns from no box: no patch, sparse or multiple-instance term, and boxes do not decide what is
    drawn."""
    own, twin = FitConfig.from_file(RECIPES / "default.json"), FitConfig.from_file(RECIPES / "twin.json")
    assert (twin.loss.patch, twin.loss.sparse, twin.loss.mil) == (0, 0, 0)
    assert min(twin.loss.global_, twin.loss.pooled) > 0
    assert twin.data.boxed_weight == 1 < own.data.boxed_weight
    assert replace(twin, model=own.model, data=own.data, loss=own.loss) == own
    assert replace(twin.model, name=own.model.name) == own.model
    differences = [
        (section, name)
        for section, fields in own.to_dict().items()
        if isinstance(fields, dict)
        for name, value in fields.items()
        if twin.to_dict()[section][name] != value
    ]
    assert len(differences) == 7


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_recipe_names_only_what_differs(path: Path) -> None:
    """A value that stands in a recipe and in what it extends would be changed in one of two places."""
    written = json.loads(path.read_text())
    parent = written.pop("extends", None)
    before = FitConfig.from_file(find_recipe(parent)).to_dict() if parent else FitConfig().to_dict()
    for section, values in written.items():
        for name, value in values.items() if isinstance(values, dict) else [(None, values)]:
            same = before[section] if name is None else before[section][name]
            assert value != same or path.stem == "nih", (section, name)


def test_the_papers_recipe_is_the_papers() -> None:
    paper = FitConfig.from_file(RECIPES / "paper.json")
    assert (paper.model.image_size, paper.model.downsample_from, paper.model.tower) == (896, 224, "ViT-B-16")
    assert paper.loss.weights == {
        "global": 1, "pooled": 1, "patch": 1, "mil": 0, "sparse": 0.5, "report": 0, "sentences": 0,
        "taught_image": 0, "taught_patch": 0,
    }  # fmt: skip
    assert (paper.optim.batch_size, paper.optim.epochs, paper.augment.mirror) == (32, (20,), 0)


def test_a_recipe_changes_by_field_what_it_extends(tmp_path: Path) -> None:
    write(
        tmp_path / "base.json", {"optim": {"batch_size": 4, "clip": 1}, "data": {"labelled": {"a": ["Mass"]}}}
    )
    child = {"extends": "base.json", "optim": {"clip": 3}, "data": {"labelled": {"b": ["Edema"]}}, "seed": 5}
    config = FitConfig.from_file(write(tmp_path / "child.json", child))
    assert (config.optim.batch_size, config.optim.clip, config.seed) == (4, 3, 5)
    assert config.data.labelled == {"b": ("Edema",)}  # a field is changed as a whole
    grandchild = write(tmp_path / "grandchild.json", {"extends": "child.json", "seed": 6})
    assert FitConfig.from_file(grandchild) == replace(config, seed=6)
    assert FitConfig.from_file(write(tmp_path / "twin2.json", {"extends": "twin"})).loss.mil == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"extends": "absent"}, r"There is no recipe absent; .*default, lite2, nih, paper, teach, twin"),
        ({"extends": 3}, r"recipe.json extends 3; it must be the name or path"),
        ({"extends": "recipe.json"}, r"recipe.json, which extends it"),
        ({"extends": "other.json"}, r"other.json extends .*recipe.json, which extends it"),
    ],
)
def test_a_recipe_that_extends_nothing_is_a_sentence(tmp_path: Path, values: Any, words: str) -> None:
    write(tmp_path / "other.json", {"extends": "recipe.json"})
    with pytest.raises(DataError, match=words):
        read_recipe(write(tmp_path / "recipe.json", values))


def test_changes_by_flags_leave_the_recipe_alone() -> None:
    recipe: dict[str, Any] = {"optim": {"clip": 1}}
    result = changed(recipe, ["optim.batch_size=8", "loss.global=0.5", "seed=3", "optim.clip=2"])
    assert result == {"optim": {"clip": 2, "batch_size": 8}, "loss": {"global": 0.5}, "seed": 3}
    assert recipe == {"optim": {"clip": 1}}
    assert FitConfig.from_dict(result).loss.global_ == 0.5


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"loss": {"glob": 1}}, r"does not exist \(glob\); .* fields are global, pooled, patch"),
        ({"loss": {"global": True}}, r"loss.global is true; it must be a number\."),
        ({"loss": {"report_kind": "dot"}}, r'is "dot"; it must be one of "clip", "siglip"\.'),
        ({"optim": {"sizes": [320, 384.5]}}, r"optim.sizes is \[320, 384.5\]; it must be a list of whole n"),
        ({"optim": {"frozen": [1]}}, r"optim.frozen is \[1\]; it must be a list of texts\."),
        ({"optim": {"clip": float("inf")}}, r"optim.clip is Infinity; it must be a number\."),
        ({"augment": {"zoom": [1, 1, 1]}}, r"augment.zoom is \[1, 1, 1\]; it must be a list of 2 numbers\."),
        ({"data": {"labelled": {"a": 1}}}, r"it must be an object whose every value is a list of texts\."),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        FitConfig.from_dict(values)


def test_help_shows_every_field_with_what_it_does() -> None:
    fields = recipe_fields()
    paths = [field.path for field in fields]
    assert len(paths) == len(set(paths)) > 70 and not any(path[-1] == "_" for path in paths)
    assert all(len(field.description) > 5 for field in fields), [f.path for f in fields if not f.description]
    text = help_text(fields)
    assert "loss.global=0.25\n" in text and "optim.sizes=[320, 384]\n" in text


def test_help_says_what_the_docstring_says(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_parser().parse_args(["fit", "--help"])
    out = " ".join(capsys.readouterr().out.split())
    assert "data.tau=0.5 A patch covered by boxes at least this much is positive" in out
    assert 'model.name="patchclip-cxr-s" Shown to the reader beside the model\'s hash.' in out
