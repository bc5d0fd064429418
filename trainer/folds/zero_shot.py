"""What text alone carries: findings that a model was never taught, beside the same findings taught."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patchclip.errors import DataError
from patchclip.evaluate.bootstrap import Figure
from trainer.folds.figures import Figures, fold_figures
from trainer.folds.held_out import HeldOut
from trainer.folds.table import words


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """One finding.

    Attributes:
        label: of the finding.
        where: the cohort of the images, or who drew the boxes.
        measure: "AUROC" or "pointing".
        untaught: of the model that knew nothing of it, asked by its name.
        taught: of a model that was taught it, and not others.
    """

    label: str
    where: str
    measure: str
    untaught: Figure
    taught: Figure

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "label": self.label,
            "where": self.where,
            "measure": self.measure,
            "untaught": self.untaught.to_json(),
            "taught": self.taught.to_json(),
        }


def read_groups(texts: Sequence[str], labels: Sequence[str]) -> list[tuple[str, ...]]:
    """ "A,B" -> (A, B), once for each model.

    Raises:
        DataError: there are fewer than two groups, or a finding is unknown or in two of them.
    """
    groups = [tuple(label.strip() for label in text.split(",") if label.strip()) for text in texts]
    if len(groups) < 2 or not all(groups):
        raise DataError(
            "Give --without twice at least, each time with findings: what one model is not taught, another "
            "is."
        )
    names = [label for group in groups for label in group]
    for label in names:
        if label not in labels:
            raise DataError(f'"{label}" is no finding of the vocabulary; it has {", ".join(labels)}.')
        if names.count(label) > 1:
            raise DataError(f"{label} is taken out twice; name each finding once.")
    return groups


def zero_shot(
    groups: Sequence[Sequence[str]], models: Sequence[HeldOut], replicates: int = 1000, seed: int = 0
) -> list[ZeroShot]:
    """Each finding by the model that was not taught it, and by the next one, which was.

    Args:
        groups: what each model was not taught.
        models: [as groups], on the same held-out images, asked for all findings.
        replicates, seed: of the bootstrap by patient.
    """
    figures = [fold_figures([model], replicates, seed) for model in models]
    rows: list[ZeroShot] = []
    for number, group in enumerate(groups):
        other = figures[(number + 1) % len(groups)]
        for label in group:
            tables = [
                ("AUROC", figures[number].auroc, other.auroc),
                ("pointing", figures[number].pointing, other.pointing),
            ]
            for measure, untaught, taught in tables:
                rows += _rows(label, measure, untaught, taught)
    return rows


def _rows(
    label: str, measure: str, untaught: Mapping[str, Figures], taught: Mapping[str, Figures]
) -> Iterator[ZeroShot]:
    for where, figures in untaught.items():
        if label in figures:
            yield ZeroShot(label, where, measure, figures[label], taught[where][label])


def table(rows: Sequence[ZeroShot], names: Mapping[str, str]) -> str:
    """As Markdown; names: label -> name."""
    lines = [
        "| Finding | Measure | Of | Never taught, asked by name (95 % CI) | Taught (95 % CI) | Images |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {names[row.label]} | {row.measure} | {row.where} | {words(row.untaught, 2)} | "
        f"{words(row.taught, 2)} | {row.untaught.n} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"
