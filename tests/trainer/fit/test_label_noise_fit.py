"""A training that minds how often mined labels are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.trainer.fit.runs import changes, fit, miniature, short_recipe


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A miniature of which a half was read too, whatever the report says: readers did not see one effusion
    that it names, and saw a large heart that it does not."""
    folder = miniature(tmp_path, short_recipe(), each=4)
    table = pd.read_csv(folder / "data" / "images.csv", dtype=str, keep_default_na=False)
    table.loc[::2, "chestx_det"] = "read"
    table["rsna_class"] = ""
    table.to_csv(folder / "data" / "images.csv", index=False)
    boxes = pd.read_csv(folder / "data" / "boxes.csv", dtype=str)
    boxes.loc[boxes["source"] == "NIH_BBox_List_2017", "source"] = "ChestX-Det"
    boxes = boxes[(boxes["finding"] != "Infiltrate") & (boxes["image"] != "0004.png")]
    boxes.loc[len(boxes)] = ["0006.png", "ChestX-Det", "Cardiomegaly", "0.3", "0.4", "0.4", "0.3"]
    boxes.to_csv(folder / "data" / "boxes.csv", index=False)
    return folder


def first_epoch(run: Path) -> dict[str, float]:
    losses: dict[str, float] = json.loads((run / "log.jsonl").read_text().splitlines()[0])["losses"]
    return losses


def test_mined_labels_weigh_less_and_outlines_as_before(place: Path) -> None:
    once = changes("optim.epochs=[1]", "data.samples_per_epoch=8")
    for name, share in (("plain", "0"), ("half", "0.5"), ("whole", "1")):
        assert fit(place, place / name, *once, *changes(f"loss.label_noise={share}")) == 0
    plain, half, whole = (first_epoch(place / name) for name in ("plain", "half", "whole"))
    assert whole["mil"] < half["mil"] < plain["mil"]  # what is doubted surprises less
    assert half["patch"] == pytest.approx(plain["patch"], rel=1e-4)  # the one step is not taken yet


def test_without_readings_there_is_nothing_to_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = miniature(tmp_path, short_recipe(), each=2)
    assert fit(folder, folder / "run", *changes("loss.label_noise=1")) == 1
    assert "loss.label_noise needs images" in capsys.readouterr().err
