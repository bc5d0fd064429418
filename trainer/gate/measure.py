"""How often the gates of a checkpoint are right: chests that pass, other pictures that are refused, queries
judged as a reader would."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from patchclip.errors import DataError
from patchclip.image.gate import ImageGate
from patchclip.model.preprocess import model_input
from patchclip.text.query import parse_query
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import Vocabulary
from trainer.data.loaded import Loaded
from trainer.gate.fit import at_most, content
from trainer.gate.negatives import FAMILIES, SPOILT, negatives

SEED = 5  # of pictures other than those that `fit_image_gate` draws
PER_FAMILY = 100  # pictures of a family
MAX_CHESTS = 200  # radiographs that spoilt ones are made of, at most
COLUMNS = ("query", "in_scope", "finding")


def share(hits: int, n: int) -> dict[str, Any]:
    """{"value", "ci": [lo, hi], "n"}: a share with its exact 95 % interval (Clopper & Pearson, Biometrika
    1934), trials taken as independent.

    Raises:
        ValueError: n is 0, or hits is not between 0 and n.
    """
    interval = binomtest(hits, n).proportion_ci(0.95, method="exact")
    return {"value": hits / n, "ci": [float(interval.low), float(interval.high)], "n": n}


def false_alarms(gate: ImageGate, items: Sequence[Loaded]) -> int:
    """How many of these frontal chest radiographs, at the model's input size, the gate takes for another
    picture."""
    return sum(not gate.accepts(np.asarray(item.image / 255, np.float32)) for item in items)


def measure_images(
    gate: ImageGate, items: Sequence[Loaded], size: int, each: int = PER_FAMILY
) -> dict[str, Any]:
    """False alarms on frontal chest radiographs, and what is refused of every family of other pictures.

    Args:
        gate: of the checkpoint.
        items: images in memory at the model's input size, none of which the gate was fitted on.
        size: the model's input size.
        each: pictures of a family.
    """
    chests = [content(item) for item in at_most(items, SEED, MAX_CHESTS)]
    refused = {
        family: sum(
            not gate.accepts(model_input(picture, size)[0])
            for picture in negatives(family, each, SEED, chests)
        )
        for family in FAMILIES
    }
    groups = {
        "drawn and photographs": [name for name in FAMILIES if name not in SPOILT],
        "spoilt radiographs": list(SPOILT),
    }
    return {
        "false_alarms": share(false_alarms(gate, items), len(items)),
        "refused": {
            name: share(sum(refused[family] for family in families), each * len(families))
            for name, families in groups.items()
        },
        "refused_by_family": {family: share(count, each) for family, count in refused.items()},
    }


def measure_queries(gate: QueryGate, vocabulary: Vocabulary, file: Path) -> dict[str, Any]:
    """Share of a list's queries that are called in or out of scope as the list says, and of those in scope
    whose finding is right.

    Raises:
        DataError: the list lacks a column or holds no query.
    """
    if not file.is_file():
        raise DataError(f"There is no file {file}; check the path.")
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise DataError(f"{file} has no column {missing[0]}; it needs {', '.join(COLUMNS)}.")
        rows = list(reader)
    inside = [row for row in rows if row["in_scope"] == "yes"]
    if not rows or not inside:
        raise DataError(f"{file} has no query whose in_scope is yes; add some.")
    verdicts = {row["query"]: gate.judge(parse_query(row["query"], vocabulary)) for row in rows}
    scope = sum(verdicts[row["query"]].in_vocabulary == (row["in_scope"] == "yes") for row in rows)
    finding = sum(verdicts[row["query"]].label == row["finding"] for row in inside)
    return {"scope": share(scope, len(rows)), "finding": share(finding, len(inside))}


def markdown(record: dict[str, Any]) -> str:
    """The figures as a table; shares in percent."""
    rows = [("Frontal chest radiographs that raise a false alarm", record["images"]["false_alarms"])]
    rows += [
        (f"The same, images of {name}", value)
        for name, value in record.get("false_alarms_elsewhere", {}).items()
    ]
    rows += [(f"Refused: {name}", value) for name, value in record["images"]["refused"].items()]
    worst = min(record["images"]["refused_by_family"].items(), key=lambda item: item[1]["value"])
    rows.append((f"Refused: worst family, {worst[0]}", worst[1]))
    for name, queries in record["queries"].items():
        rows += [(f"Queries of {name} judged rightly in or out of scope", queries["scope"])]
        rows += [(f"Queries of {name} in scope whose finding is right", queries["finding"])]
    lines = [
        f"| {name} | {100 * value['value']:.1f} % ({100 * value['ci'][0]:.1f} to {100 * value['ci'][1]:.1f}) "
        f"| {value['n']:,} |"
        for name, value in rows
    ]
    return "\n".join(["| | Share (95 % CI) | n |", "| --- | --- | --- |", *lines]) + "\n"
