"""The evaluate-text command: what is understood of real reports, against the findings that their library
coded by hand.

Data: the reports of the Indiana University collection (Open-i; Demner-Fushman et al., J Am Med Inform Assoc
2016;23:304), a CSV file with
`findings` and `impression` as written and, in `Problems`, the coders' terms. A report's findings are the
union over its sentences of
what is asserted present. A sign is not its finding: the coders keep "Costophrenic Angle/blunted",
"Lung/hyperdistention" and "Pulmonary
Congestion" apart from pleural effusion, emphysema and edema, and so does this measure. What is uncertain
counts as absent, and in a second
row as present.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchclip.data.tables import read_table
from patchclip.errors import DataError, QueryError
from patchclip.evaluate.bootstrap import Figure, PatientBootstrap
from patchclip.evaluate.disagreements import Reading, disagreements, write_disagreements
from patchclip.evaluate.image_metrics import Floats
from patchclip.files import atomic
from patchclip.resources import VOCABULARY
from patchclip.text import Vocabulary, parse_queries
from patchclip.text.query import LONGEST

FILE = "openi_reports.csv"
COLUMNS = ("uid", "Problems", "findings", "impression")
GOLD = {
    "Cardiomegaly": ("Cardiomegaly",),
    "Effusion": ("Pleural Effusion",),
    "Pneumothorax": ("Pneumothorax",),
    "Atelectasis": ("Pulmonary Atelectasis",),
    "Consolidation": ("Consolidation",),
    "Nodule": ("Nodule",),
    "Emphysema": ("Pulmonary Emphysema", "Emphysema"),
    "Edema": ("Pulmonary Edema",),
    "Fracture": ("Fractures, Bone",),
    "Mass": ("Mass",),
    "Pneumonia": ("Pneumonia",),
    "Hernia": ("Hernia, Hiatal",),
}
"""Label -> terms of `Problems` that mean it."""
MERGED = {"Diffuse Nodule": "Nodule"}
"""Labels that the coders do not tell apart."""
_PRESENT = frozenset({"present", "comparison"})
_NEGATION = re.compile(r"\b(no|not|without|negative|free of|absence)\b", re.IGNORECASE)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Report:
    """One report.

    Attributes:
        uid: the collection's number.
        texts: findings and impression, those that are not blank.
        problems: the coders' terms.
    """

    uid: str
    texts: tuple[str, ...]
    problems: frozenset[str]

    @property
    def gold(self) -> frozenset[str]:
        """Labels that the coders gave it."""
        return frozenset(label for label, terms in GOLD.items() if self.problems.intersection(terms))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip evaluate-text`."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=f"a folder that holds {FILE}")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where metrics.json and disagreements.csv go"
    )
    parser.add_argument(
        "--rows",
        type=_rows,
        metavar="FIRST-LAST",
        help="reports of the table to measure on, counted from 1; all",
    )
    parser.add_argument(
        "--vocabulary",
        type=Path,
        default=VOCABULARY,
        metavar="PATH",
        help="another vocabulary than the library's",
    )


def main(options: argparse.Namespace) -> int:
    """Writes metrics.json and disagreements.csv and prints a table; returns the exit status."""
    vocabulary = Vocabulary.from_json(options.vocabulary)
    reports = read_reports(options.folder / FILE)
    if options.rows:
        reports = reports[options.rows[0] - 1 : options.rows[1]]
    if not reports:
        raise DataError(f"{FILE} has no report in the rows asked for; give others with --rows.")
    readings = read_all(reports, vocabulary)
    metrics = measure(reports, vocabulary, readings=readings)
    options.out.mkdir(parents=True, exist_ok=True)
    with atomic(options.out / "metrics.json") as path:
        path.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    write_disagreements(options.out / "disagreements.csv", disagreements(readings, list(GOLD)))
    print(markdown(metrics))
    return 0


def read_all(reports: Sequence[Report], vocabulary: Vocabulary) -> list[Reading]:
    """What each report is understood to say, beside its coding."""
    return [Reading(report.uid, *asserted(report, vocabulary), report.gold) for report in reports]


def read_reports(path: Path) -> list[Report]:
    """All reports of a table, in its order.

    Raises:
        DataError: the file is missing, no table, or lacks a column.
    """
    return [
        Report(
            uid=row.cells["uid"],
            texts=tuple(row.cells[name] for name in ("findings", "impression") if row.cells[name]),
            problems=frozenset(term.strip() for term in row.cells["Problems"].split(";")),
        )
        for row in read_table(path, COLUMNS).rows
    ]


def measure(
    reports: Sequence[Report],
    vocabulary: Vocabulary,
    replicates: int = 1000,
    seed: int = 0,
    readings: Sequence[Reading] | None = None,
) -> dict[str, Any]:
    """The contract's metrics: precision, recall and F1 by finding and over all, with 95 % intervals by
    bootstrap over reports.

    Args:
        reports: these.
        vocabulary: the findings.
        replicates: of the bootstrap.
        seed: of the bootstrap.
        readings: of the reports, where they were read already.
    """
    read = readings or read_all(reports, vocabulary)
    bootstrap = PatientBootstrap([report.uid for report in reports], replicates, seed)
    weights = bootstrap.weights(np.arange(len(reports)))
    gold = _mask([report.gold for report in reports])
    keyword = _mask([keywords(report, vocabulary) for report in reports])
    return {
        "reports": len(reports),
        "seed": seed,
        "gold": {label: list(terms) for label, terms in GOLD.items()},
        **_figures(_mask([item.present for item in read]), gold, weights),
        "uncertain_present": _figures(_mask([item.present | item.uncertain for item in read]), gold, weights),
        "baseline": _figures(keyword, gold, weights),
    }


def asserted(report: Report, vocabulary: Vocabulary) -> tuple[frozenset[str], frozenset[str]]:
    """(labels asserted present, labels called uncertain)."""
    present: set[str] = set()
    unsure: set[str] = set()
    for text in report.texts:
        for part in _parts(text):
            try:
                reading = parse_queries(part, vocabulary, most=len(part))
            except QueryError:  # nothing but marks
                continue
            for query in reading.queries:
                label = MERGED.get(query.label or "", query.label)
                if label not in GOLD or query.sign:
                    continue
                if query.assertion in _PRESENT:
                    present.add(label)
                elif query.assertion == "uncertain":
                    unsure.add(label)
    return frozenset(present), frozenset(unsure)


def keywords(report: Report, vocabulary: Vocabulary) -> frozenset[str]:
    """The plain baseline: a name of the finding in a sentence in which no negation stands before it."""
    found: set[str] = set()
    for text in report.texts:
        for sentence in re.split(r"[.;\n]", text.lower()):
            negation = _NEGATION.search(sentence)
            for label, names in _names(vocabulary):
                match = names.search(sentence)
                if match and not (negation and negation.start() < match.start()):
                    found.add(label)
    return frozenset(found)


@lru_cache(maxsize=2)
def _names(vocabulary: Vocabulary) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(label, any of its names) for each finding that the coders know."""
    result = []
    for item in vocabulary.findings:
        label = MERGED.get(item.label, item.label)
        names = "|".join(re.escape(name.lower()) for name in (item.name, *item.synonyms, *item.aliases))
        if label in GOLD:
            result.append((label, re.compile(rf"\b(?:{names})s?\b")))
    return tuple(result)


def markdown(metrics: dict[str, Any]) -> str:
    """The figures as a table."""
    lines = [
        "| Finding | n | Precision | Recall | F1 (95 % CI) | F1, baseline |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    plain = metrics["baseline"]
    for label, values in metrics["findings"].items():
        lines.append(_row(label, values, plain["findings"][label]))
    lines.append(_row("All", metrics["micro"], plain["micro"]))
    unsure = metrics["uncertain_present"]["micro"]
    lines.append(_row("All, uncertain as present", unsure, plain["micro"]))
    return "\n".join([f"{metrics['reports']} reports", "", *lines])


def _row(name: str, values: dict[str, Any], plain: dict[str, Any]) -> str:
    cells = [_decimal(values[key]["value"]) for key in ("precision", "recall", "f1")]
    low, high = values["f1"]["ci"]
    cells[2] += f" ({_decimal(low)} to {_decimal(high)})"
    return f"| {name} | {values['recall']['n']} | {' | '.join(cells)} | {_decimal(plain['f1']['value'])} |"


def _decimal(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _figures(predicted: Mask, gold: Mask, weights: Floats) -> dict[str, Any]:
    """{"micro": ..., "findings": {label: ...}}."""
    columns = {label: [index] for index, label in enumerate(GOLD)}
    return {
        "micro": _agreement(predicted, gold, weights),
        "findings": {
            label: _agreement(predicted[:, index], gold[:, index], weights)
            for label, index in columns.items()
        },
    }


def _agreement(predicted: Mask, gold: Mask, weights: Floats) -> dict[str, Any]:
    """Precision (n: predicted), recall and F1 (n: coded) of masks [N, K] under weights [B, N]."""
    hits = weights @ (predicted & gold).sum(axis=1)
    claims, coded = weights @ predicted.sum(axis=1), weights @ gold.sum(axis=1)
    n = int(gold.sum())
    return {
        "precision": Figure.of(_ratio(hits, claims), int(predicted.sum())).to_json(),
        "recall": Figure.of(_ratio(hits, coded), n).to_json(),
        "f1": Figure.of(_ratio(2 * hits, claims + coded), n).to_json(),
    }


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Element by element, not a number where nothing is counted."""
    ratio: Floats = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return ratio


def _mask(found: Sequence[frozenset[str]]) -> Mask:
    """[N] sets of labels -> bool [N, K], in the order of `GOLD`."""
    return np.array([[label in labels for label in GOLD] for labels in found], bool).reshape(
        len(found), len(GOLD)
    )


def _parts(text: str) -> list[str]:
    """A text as it may be read: whole, or by sentences where it is too long."""
    if len(text) <= LONGEST:
        return [text]
    return [part[:LONGEST] for part in text.split(". ")]


def _rows(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)-(\d+)", text)
    if not match or not 1 <= int(match.group(1)) <= int(match.group(2)):
        raise argparse.ArgumentTypeError(f'"{text}" is no range of rows such as 1-1000')
    return int(match.group(1)), int(match.group(2))
