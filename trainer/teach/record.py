"""What is written of a teaching: teach.json for programs, a table for people, the model's card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from patchclip.evaluate.bootstrap import Figure
from trainer.config import FitConfig
from trainer.data.loaded import Loaded
from trainer.teach.compare import HEADLINES, Compared, Comparison
from trainer.teach.history import RECORD, Division
from trainer.teach.material import Material
from trainer.teach.verdict import NAMES, Verdict

FORMAT = 1
TABLE, CARD = "teach.md", "MODEL_CARD.md"
NOTICE = "Research use only, not for clinical use."


@dataclass(frozen=True, slots=True)
class Identity:
    """A model: its name and the hash of its files."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Teaching:
    """All that is said of a teaching; nothing in it names a reader, a patient or a place on the machine.

    Attributes:
        parent, model: before and after.
        material: what was learnt from and compared on.
        sources: of the original data, as a run's record calls them.
        study: whose readings alone were taken, or None.
        calibration: how the model's probabilities were made, in words.
        comparisons: set of images, in words -> both models on it.
        verdict: and why.
        margin, replicates: of the comparison.
        config: the recipe.
        divisions: how data was divided in all teachings that led to the model, this one the last.
    """

    parent: Identity
    model: Identity
    material: Material
    sources: Sequence[str]
    study: str | None
    calibration: str
    comparisons: Mapping[str, Comparison]
    verdict: Verdict
    margin: float
    replicates: int
    config: FitConfig
    divisions: Sequence[Division]

    def record(self) -> dict[str, Any]:
        """As JSON types."""
        material = self.material
        return {
            "format": FORMAT,
            "notice": NOTICE,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "verdict": self.verdict.word,
            "reasons": list(self.verdict.reasons),
            "override": self.verdict.override,
            "parent": {"name": self.parent.name, "sha256": self.parent.sha256},
            "model": {"name": self.model.name, "sha256": self.model.sha256},
            "readings": {
                "study": self.study,
                "learnt_from": len(material.readings),
                "held_out": len(material.held_readings),
                **_said(material.readings),
            },
            "original": {
                "sources": list(self.sources),
                "learnt_from": len(material.original),
                "held_out": len(material.held_original),
            },
            "left_out": len(material.left_out),
            "calibration": self.calibration,
            "margin": self.margin,
            "replicates": self.replicates,
            "divisions": [item.to_json() for item in self.divisions],
            "comparisons": comparisons_record(self.comparisons),
            "recipe": self.config.to_dict(),
        }

    def table(self) -> str:
        """In Markdown: the verdict, headline figures, single findings."""
        lines = [
            f"# {self.model.name} against {self.parent.name}",
            "",
            f"**{NOTICE}** {self.parent.name} is {self.parent.sha256[:12]}, {self.model.name} "
            f"{self.model.sha256[:12]}.",
            "",
            f"**{self.verdict.word.capitalize()}.** {self._because()}",
        ]
        lines += comparisons_table(self.comparisons, ("before", "after"))
        lines += [
            "",
            f"{paired(self.replicates)} A model is refused if a headline figure's interval lies below 0 or "
            f"its difference below -{self.margin:g}, or if a single finding's interval lies below "
            f"-{self.margin:g}.",
        ]
        return "\n".join(lines) + "\n"

    def card(self) -> str:
        """The model's card: from which model and how many readings it was made, and how it compares."""
        material, said = self.material, _said(self.material.readings)
        original = (
            f"{len(material.original)} images of {', '.join(self.sources)} were learnt from again"
            if material.original
            else "no original data was at hand: on drawn radiographs, and wherever nobody spoke, it was "
            "kept to what its parent says"
        )
        return "\n".join(
            [
                f"# {self.model.name}",
                "",
                f"**{NOTICE}** Made by `python -m trainer teach` from {self.parent.name} "
                f"({self.parent.sha256}), whose card holds for all that is not said here.",
                "",
                f"- Learnt from readings of {len(material.readings)} images: {said['present']} findings "
                f"present, {said['absent']} absent, {said['outlines']} outlines, {said['denied']} regions "
                f"called wrong; {len(material.held_readings)} more images with readings were held out.",
                f"- Beside them {original}.",
                f"- Calibration: {self.calibration}.",
                f"- Recipe and all figures: `{RECORD}`.",
                "",
                self.table().replace("\n#", "\n##").replace("# ", "## ", 1),
            ]
        )

    def _because(self) -> str:
        if not self.verdict.reasons:
            return "No headline figure is worse than its parent's."
        reasons = "; ".join(self.verdict.reasons)
        return f"{reasons}." + (f" Overridden: {self.verdict.override}" if self.verdict.override else "")


def paired(replicates: int) -> str:
    """What the intervals of a comparison are, in a sentence."""
    return f"Differences are paired, with 95 % intervals of a bootstrap of cases ({replicates} draws)."


def comparisons_table(comparisons: Mapping[str, Comparison], names: tuple[str, str]) -> list[str]:
    """Lines of Markdown: of each set of images headline figures, then single findings.

    names: of the columns of both models.
    """
    lines: list[str] = []
    for where, comparison in comparisons.items():
        lines += ["", f"## On {where}", ""]
        lines += [f"{comparison.images} images of {comparison.cases} cases or patients.", ""]
        lines += [f"| | {names[0]} | {names[1]} | difference (95 % CI) | n |", RULE]
        lines += [_row(NAMES[name], comparison.headlines[name]) for name in HEADLINES]
        lines += [
            _row(f"{label}, {NAMES[name]}", row)
            for label, rows in comparison.findings.items()
            for name, row in rows.items()
        ]
    return lines


def comparisons_record(comparisons: Mapping[str, Comparison]) -> dict[str, Any]:
    """As JSON types."""
    return {where: _comparison(item) for where, item in comparisons.items()}


RULE = "| --- | --- | --- | --- | --- |"


def _row(name: str, item: Compared) -> str:
    if item.difference.value is None:
        return f"| {name} | | | too few images tell | {item.difference.n} |"
    low, high = item.difference.ci
    interval = "" if low is None or high is None else f" ({low:+.3f} to {high:+.3f})"
    return (
        f"| {name} | {item.old.value:.3f} | {item.new.value:.3f} | {item.difference.value:+.3f}{interval} | "
        f"{item.difference.n} |"
    )


def _said(items: Sequence[Loaded]) -> dict[str, int]:
    """How many findings were said to be present or absent, and how many places were told."""
    states = [state.value for item in items for state in item.sample.states.values()]
    return {
        "present": states.count("present"),
        "absent": states.count("absent"),
        "outlines": sum(len(item.sample.shapes) for item in items),
        "denied": sum(len(item.sample.denied) for item in items),
    }


def _comparison(item: Comparison) -> dict[str, Any]:
    return {
        "images": item.images,
        "cases": item.cases,
        "headlines": {name: _compared(row) for name, row in item.headlines.items()},
        "findings": {
            label: {name: _compared(row) for name, row in rows.items()}
            for label, rows in item.findings.items()
        },
    }


def _compared(row: Compared) -> dict[str, Any]:
    def figure(item: Figure) -> dict[str, Any]:
        return item.to_json()

    return {"old": figure(row.old), "new": figure(row.new), "difference": figure(row.difference)}
