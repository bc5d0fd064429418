"""python -m app study analyse: a long table in, analysis.json out, and its faults as sentences."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from app.__main__ import main

Line = tuple[str, str, str, int, float]


def lines(seed: int = 0) -> list[Line]:
    rng = np.random.default_rng(seed)
    return [
        (reader, arm, f"case {case}", case % 2, round(float(rng.normal(case % 2)), 3))
        for reader in ("Ada", "Bo", "Cy")
        for arm in ("unaided", "aided")
        for case in range(12)
    ]


def write(path: Path, rows: list[Line], arm: str = "treatment") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("reader", arm, "case", "truth", "rating"))
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("arm", ["treatment", "arm"])
def test_a_table_is_analysed(tmp_path: Path, capsys: pytest.CaptureFixture[str], arm: str) -> None:
    rows = lines()
    out = tmp_path / "out"
    assert (
        main(["study", "analyse", "--readings", str(write(tmp_path / "t.csv", rows, arm)), "--out", str(out)])
        == 0
    )
    record = json.loads((out / "analysis.json").read_text())
    assert record["data"] == {
        "arms": ["unaided", "aided"],
        "readers": ["Ada", "Bo", "Cy"],
        "cases": 12,
        "diseased": 6,
    }
    own = [row for row in rows if row[:2] == ("Bo", "aided")]
    area = roc_auc_score([row[3] for row in own], [row[4] for row in own])
    assert record["auc"]["aided"]["readers"]["Bo"] == pytest.approx(area)
    assert record["auc"]["aided"]["n"] == 12
    (difference,) = record["analyses"]["random_readers_random_cases"]["differences"]
    gap = record["auc"]["unaided"]["value"] - record["auc"]["aided"]["value"]
    assert difference["value"] == pytest.approx(gap) and difference["arms"] == ["unaided", "aided"]
    assert record["analyses"]["fixed_readers_random_cases"]["df2"] is None
    said = capsys.readouterr().out
    assert "3 readers, 12 cases, 6 diseased" in said and f"unaided less aided: {gap:+.4f}" in said
    assert "not for clinical use" in said


def fault(rows: list[Line], place: int, **cells: object) -> list[Line]:
    """The rows with one of them changed."""
    names = ("reader", "arm", "case", "truth", "rating")
    changed = tuple(cells.get(name, value) for name, value in zip(names, rows[place], strict=True))
    return [*rows[:place], changed, *rows[place + 1 :]]  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (fault(lines(), 3, truth=2), "row 5: truth must be 0 (normal) or 1 (diseased), and is 2"),
        (fault(lines(), 3, rating="high"), 'rating is "high"'),
        (fault(lines(), 15, truth=0), 'row 17: case "case 3" has another truth than before'),
        (
            fault(lines(), 1, case="case 0", truth=0),
            'row 3: reader "Ada" has rated case "case 0" in arm "unaided"',
        ),
        (lines()[:-1], 'reader "Cy" has no rating of case "case 11" in arm "aided"'),
        (fault(lines(), 0, reader=""), "row 2: reader is empty"),
        ([row for row in lines() if row[1] == "aided"], "1 arm and 3 readers"),
        ([row for row in lines() if row[0] == "Bo"], "2 arms and 1 reader;"),
        ([row for row in lines() if row[3] == 0], "0 diseased and 6 normal cases"),
        ([], "has no rating"),
    ],
)
def test_a_faulty_table_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[Line], words: str
) -> None:
    out = tmp_path / "out"
    assert (
        main(["study", "analyse", "--readings", str(write(tmp_path / "t.csv", rows)), "--out", str(out)]) == 1
    )
    error = capsys.readouterr().err
    assert words in error and error.startswith("error: ") and error.count("\n") == 1
    assert not out.exists()


def test_a_table_without_arms_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write(tmp_path / "t.csv", lines(), arm="condition")
    assert main(["study", "analyse", "--readings", str(table), "--out", str(tmp_path / "out")]) == 1
    assert "no column treatment or arm" in capsys.readouterr().err
