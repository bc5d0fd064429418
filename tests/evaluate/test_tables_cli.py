"""The evaluate command on tables as people write them: what it says, what it writes, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patchclip.__main__ import main
from tests.tiny import tiny_dataset


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A dataset folder `data`, and maps of effusion for its images."""
    tiny_dataset(tmp_path / "data", each=3, splits=("val",))
    maps: dict[str, Any] = {
        f"{number:04d}.png/Effusion/map": np.full((4, 4), number / 20) for number in range(12)
    }
    np.savez(tmp_path / "maps.npz", **maps)
    return tmp_path


def evaluate(place: Path, *more: str) -> int:
    flags = ["--split", "val", "--out", str(place / "out"), "--map-file", str(place / "maps.npz")]
    return main(["evaluate", str(place / "data"), *flags, "--replicates", "20", *more])


def rewrite(place: Path, old: str, new: str) -> None:
    table = place / "data" / "images.csv"
    table.write_text(table.read_text().replace(old, new))


def test_another_spelling_of_a_label_counts_as_the_label(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(place) == 0
    before = json.loads((place / "out" / "metrics.json").read_text())
    assert "notes" not in before["data"] and before["findings"]["Effusion"]["auroc"]["value"] is not None
    rewrite(place, ",Effusion,", ",Pleural Effusion,")
    rewrite(place, "\n0", "\nimages/0")
    capsys.readouterr()
    assert evaluate(place) == 0
    notes = [
        'images.csv: "Pleural Effusion" is taken for Effusion, 3 rows',
        "images.csv: image names another path than that of the file, which was found, 12 rows",
    ]
    said = capsys.readouterr().err
    assert all(f"note: {line}\n" in said for line in notes)
    after = json.loads((place / "out" / "metrics.json").read_text())
    assert after["data"].pop("notes") == notes
    assert after["data"] == before["data"] and after["findings"] == before["findings"]


def test_maps_from_a_file_are_not_computed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(place, "--no-mirror") == 1
    assert "computed already" in capsys.readouterr().err


def test_a_label_that_nobody_knows_stops_it(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(place, ",Effusion,", ",Efusion,")
    assert evaluate(place) == 1
    error = capsys.readouterr().err
    assert 'images.csv, row 5: there is no finding "Efusion"; the nearest name is "Effusion"' in error
    assert not (place / "out").exists()


def test_missing_and_unreadable_images_stop_it_unless_allowed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "data" / "images" / "0004.png").write_bytes(b"no image")
    assert evaluate(place) == 1
    assert "0004.png" in (error := capsys.readouterr().err) and "1 of 12 images would be left out" in error
    (place / "data" / "images" / "0005.png").unlink()
    assert evaluate(place) == 1
    assert "images.csv, row 7: the image file 0005.png is missing; 1 of 12 images" in capsys.readouterr().err
    assert evaluate(place, "--allow-missing") == 0
    record = json.loads((place / "out" / "metrics.json").read_text())
    assert record["data"]["images"] == 10 and len(record["data"]["left_out"]) >= 2


def test_patients_named_nan_do_not_collapse_the_intervals(place: Path) -> None:
    table = place / "data" / "images.csv"
    header, *rows = [line.split(",") for line in table.read_text().splitlines()]
    table.write_text(
        "\n".join(",".join(row) for row in [header, *([r[0], "nan", *r[2:]] for r in rows)]) + "\n"
    )
    assert evaluate(place) == 0
    record = json.loads((place / "out" / "metrics.json").read_text())
    assert record["data"]["patients"] == record["data"]["images"] == 12
    low, high = record["findings"]["Effusion"]["auroc"]["ci"]
    assert low < high
