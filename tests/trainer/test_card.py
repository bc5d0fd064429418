"""Figures go into a model card and a README between their marks, and only those of the checkpoint at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchclip.errors import DataError
from patchclip.evaluate.render import markdown
from patchclip.evaluate.report import Report
from patchclip.model.checkpoint import load_checkpoint
from tests.tiny import tiny_checkpoint
from trainer.__main__ import main
from trainer.card import fill, replace_block

COMMITTED = Path(__file__).resolve().parents[2] / "assets" / "patchclip-cxr-s"
MARKS = (
    "# Title\n\n<!-- figures -->\nold\n<!-- /figures -->\n\n"
    "<!-- gates -->\nold gates\n<!-- /gates -->\n\nThe end.\n"
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A checkpoint `model` with a card, the `report` of an evaluation of it, and a README."""
    tiny_checkpoint(tmp_path / "model")
    (tmp_path / "model" / "MODEL_CARD.md").write_text(MARKS)
    (tmp_path / "model" / "val_gates.json").write_text((COMMITTED / "val_gates.json").read_text())
    (tmp_path / "README.md").write_text(MARKS)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "froc.png").write_bytes(b"picture")
    return tmp_path


def record(place: Path, sha256: str | None = None) -> dict[str, Any]:
    """The committed figures, as if they were of the tiny checkpoint."""
    made: dict[str, Any] = json.loads((COMMITTED / "val_metrics.json").read_text())
    made["model"] = {"name": "tiny", "sha256": sha256 or load_checkpoint(place / "model").sha256}
    (place / "report" / "figures.json").write_text(json.dumps(made))
    return made


def test_card_and_readme_get_the_figures(place: Path) -> None:
    made = record(place)
    arguments = [
        "card",
        "--checkpoint",
        str(place / "model"),
        "--report",
        str(place / "report"),
        "--readme",
        str(place / "README.md"),
    ]
    assert main(arguments) == 0
    card, readme = (place / "model" / "MODEL_CARD.md").read_text(), (place / "README.md").read_text()
    assert (
        markdown(Report.from_json(made)).strip() in card
        and "\nold\n" not in card
        and "old gates" not in card
        and card.startswith("# Title\n")
        and card.endswith("The end.\n")
    )
    assert "false alarm" in card.lower()
    assert made["command"] in readme and "![Operating curves" in readme and "(model/val_froc.png)" in readme
    assert json.loads((place / "model" / "val_metrics.json").read_text()) == made
    assert (place / "model" / "val_froc.png").read_bytes() == b"picture"
    before = readme
    assert main(arguments) == 0 and (place / "README.md").read_text() == before


def test_figures_of_another_checkpoint_are_refused(place: Path) -> None:
    record(place, "f" * 64)
    with pytest.raises(DataError, match="another checkpoint"):
        fill(place / "model", place / "report")
    assert (place / "model" / "MODEL_CARD.md").read_text() == MARKS


def test_a_text_without_marks_is_named() -> None:
    with pytest.raises(
        DataError, match=r"CARD.md must have one block between <!-- figures --> and <!-- /figures -->"
    ):
        replace_block("nothing here", "figures", "x", Path("CARD.md"))


def test_a_report_that_is_none_is_named(place: Path) -> None:
    with pytest.raises(DataError, match=r"holds no figures.json"):
        fill(place / "model", place / "model")
