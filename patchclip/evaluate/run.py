"""A whole evaluation: every finding, every reader, subgroups, means and the claim, as one JSON record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from patchclip.data.normal import RSNA, is_normal
from patchclip.data.remarks import check_left_out
from patchclip.errors import DataError
from patchclip.evaluate import metrics
from patchclip.evaluate.bootstrap import Figure, PatientBootstrap, figure
from patchclip.evaluate.claim import PATCH_MAP, TWIN, compare, correct, gated, sweep, unit
from patchclip.evaluate.dataset import CHESTX_DET, LUNG_OPACITY, NIH8, EvaluationData, EvaluationImage
from patchclip.evaluate.predictions import OFF_TOPIC, Source, predict_all
from patchclip.evaluate.score import (
    Pair,
    Reader,
    image_figures,
    location_figures,
    reader_of,
    reliability,
    shown_regions,
    truth_of,
)
from patchclip.evaluate.shortcuts import shortcuts
from patchclip.saliency import default_methods

MEANS = {
    "pointing": "pointing",
    "patch_auroc_within": "patch_auroc_within",
    "acc_iobb_0.1": "acc_iobb_0.1",
    "afp_iobb_0.1": "afp_iobb_0.1",
    "froc": "froc_0.5",
}
"""Name under `summary` -> replicates that it is the mean of."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """metrics.json's content, and the predictions that it stands on."""

    record: dict[str, Any]
    pairs: list[Pair]
    twin_pairs: list[Pair]


def evaluate(
    source: Source,
    data: EvaluationData,
    *,
    methods: Sequence[str] | None = None,
    twin: Source | None = None,
    seed: int = 0,
    replicates: int = 1000,
    faithful: int = 0,
    allow_missing: bool = False,
) -> Evaluation:
    """Predicts and scores everything.

    Args:
        source: the model.
        data: the images.
        methods: saliency methods to compare the patch map with; None takes the default ones of `patchclip.saliency`.
        twin: a model trained without boxes and patch-level losses, whose saliency joins the comparison.
        seed, replicates: of the bootstrap.
        faithful: boxed images of each finding for which deletion and insertion curves are computed; they cost 34 passes a method.
        allow_missing: go on however many images are missing or cannot be predicted.

    Raises:
        DataError: no image can be predicted, or more than 1 % cannot and that is not allowed.
    """
    methods = default_methods() if methods is None else methods
    usable, reasons = source.usable(methods)
    boxed = {
        label for image in data.images for found, label in image.boxes if found == reader_of(label).source
    }
    labels = [label for label in source.labels if label in boxed]
    pairs, unreadable = predict_all(
        source, data.images, {image.name: _wanted(image, usable, labels) for image in data.images}
    )
    if not pairs:
        raise DataError(
            f"No image of split {data.split} could be predicted; the first: {(unreadable or ['none there'])[0]}."
        )
    if unreadable:
        total = len(data.images) + data.missing
        check_left_out(len(unreadable) + data.missing, total, unreadable[0], allow_missing)
    ranked = [
        f"{label}: no probability is given, so each map's highest value ranks the images"
        for label in sorted(source.uncalibrated)
    ]
    record = score(
        source, data, pairs, [*data.left_out, *unreadable, *ranked], seed=seed, replicates=replicates
    )
    twin_pairs: list[Pair] = []
    if twin is not None:
        shared = [label for label in labels if label in twin.labels]
        twin_usable, twin_reasons = twin.usable(methods)
        reasons |= {f"{TWIN}{method}": reason for method, reason in twin_reasons.items()}
        reasons |= {
            f"twin on {label}": "the twin does not know this finding"
            for label in labels
            if label not in shared
        }
        twin_pairs, _ = predict_all(
            twin,
            [image for image, _ in pairs],
            {image.name: _wanted(image, twin_usable, shared) for image, _ in pairs},
        )
        record["twin"] = {"name": twin.name, "sha256": twin.sha256}
    bootstrap = PatientBootstrap([image.patient for image, _ in pairs], replicates, seed)
    record["claim"], record["claim_curves"], record["claim_counts"] = claim(
        source.labels, pairs, twin_pairs, usable, bootstrap
    )
    record["claim_left_out"] = reasons
    if faithful:
        record["faithfulness"] = faithfulness(source, pairs, usable, bootstrap, faithful)
    return Evaluation(record, pairs, twin_pairs)


def score(
    source: Source,
    data: EvaluationData,
    pairs: list[Pair],
    left_out: list[str],
    *,
    seed: int,
    replicates: int,
) -> dict[str, Any]:
    """All figures but the claim, of predictions that are already made."""
    images = [image for image, _ in pairs]
    bootstrap = PatientBootstrap([image.patient for image in images], replicates, seed)
    findings: dict[str, Any] = {}
    kept: dict[str, dict[str, Any]] = {}
    for label in source.labels:
        known, truth = truth_of(label, images)
        scores = np.array([pairs[k][1].probability[label] for k in known], np.float64)
        located, behind = location_figures(pairs, reader_of(label), bootstrap)
        findings[label] = (
            image_figures(scores, known, truth, bootstrap)
            | located
            | {"reliability": reliability(scores, truth)}
        )
        if label in source.uncalibrated:
            nothing = figure(np.full(1, np.nan), len(known))
            findings[label] |= {"brier": nothing, "ece": nothing, "ece_by_chance": nothing, "reliability": []}
        if all(prediction.negated for _, prediction in pairs):
            turned = np.array([1 - pairs[k][1].negated[label] for k in known], np.float64)
            findings[label]["auroc_negated"] = figure(
                metrics.auroc(turned, truth, bootstrap.weights(known)), len(known)
            )
        kept[label] = behind
        if truth.any() and not truth.all():
            kept[label]["auroc"] = metrics.auroc(scores, truth, bootstrap.weights(known))
    summary = {
        name: _mean([kept.get(label, {}).get(key) for label in NIH8], len(images))
        for name, key in {"auroc": "auroc", **MEANS}.items()
    }
    return {
        "notice": "research use only, not for clinical use",
        "model": {"name": source.name, "sha256": source.sha256},
        "data": {
            "folder": data.folder.name,
            "split": data.split,
            "images": len(images),
            "patients": len({image.patient for image in images}),
            "left_out": left_out,
            **({"notes": list(data.notes)} if data.notes else {}),
            "sha256": fingerprint(pairs),
        },
        "seed": seed,
        "replicates": replicates,
        "findings": findings,
        "summary": {"nih8": summary, "rsna_normals_without_region": dark_normals(pairs, bootstrap)},
        "subgroups": subgroups(source.labels, pairs, bootstrap),
        "shortcuts": shortcuts(source.labels, pairs, bootstrap),
        "second_reader": second_reader(source.labels, pairs, bootstrap),
        "off_topic": off_topic(pairs, bootstrap),
        "claim": {},
    }


def dark_normals(pairs: Sequence[Pair], bootstrap: PatientBootstrap) -> Figure:
    """Share of RSNA's "Normal" images on which no map of NIH's eight boxed findings shows a region at its operating threshold."""
    normal = [k for k, (image, _) in enumerate(pairs) if is_normal(image, RSNA)]
    dark: list[float] = []
    for k in normal:
        prediction = pairs[k][1]
        dark.append(
            float(not any(shown_regions(prediction, label) for label in NIH8 if label in prediction.maps))
        )
    values = np.array(dark, np.float64)
    return bootstrap.figure(np.array(normal, np.int64), lambda weights: metrics.mean(values, weights))


def off_topic(pairs: Sequence[Pair], bootstrap: PatientBootstrap) -> dict[str, Any]:
    """Queries that no chest radiograph answers: share of images on which each lights anything, and on which it warns."""
    found: dict[str, Any] = {}
    everything = np.arange(len(pairs))
    for phrase in OFF_TOPIC if all(prediction.off_topic for _, prediction in pairs) else ():
        for position, name in enumerate(("lit", "warned")):
            values = np.array([prediction.off_topic[phrase][position] for _, prediction in pairs], np.float64)
            found.setdefault(phrase, {})[name] = bootstrap.figure(
                everything,
                lambda weights, v=values: metrics.mean(v, weights),  # type: ignore[misc]
            )
    return found


def faithfulness(
    source: Source, pairs: Sequence[Pair], methods: Sequence[str], bootstrap: PatientBootstrap, most: int
) -> dict[str, Any]:
    """Deletion and insertion areas of every method on up to `most` boxed images a finding, paired with the patch map's.

    Returns:
        finding -> method -> {"deletion", "insertion", "deletion_minus_patch_map", "insertion_minus_patch_map"}.
    """
    found: dict[str, Any] = {}
    for label in source.labels:
        chosen = np.array(
            [k for k, (image, _) in enumerate(pairs) if (reader_of(label).source, label) in image.boxes][
                :most
            ],
            np.int64,
        )
        rows = [
            source.faithfulness(pairs[k][0], label, methods)
            for k in tqdm(chosen, desc=f"faithfulness, {label}", leave=False)
        ]
        if not any(rows):
            continue
        areas = {
            method: np.array([row[method] for row in rows], np.float64) for method in (PATCH_MAP, *methods)
        }
        weights = bootstrap.weights(chosen)
        found[label] = {}
        for method, values in areas.items():
            record = found[label].setdefault(method, {})
            for position, name in enumerate(("deletion", "insertion")):
                own, mine = (metrics.mean(item[:, position], weights) for item in (values, areas[PATCH_MAP]))
                record[name] = figure(own, len(chosen))
                if method != PATCH_MAP:
                    record[f"{name}_minus_patch_map"] = figure(own - mine, len(chosen))
    return found


def claim(
    labels: Sequence[str],
    pairs: list[Pair],
    twin_pairs: list[Pair],
    methods: Sequence[str],
    bootstrap: PatientBootstrap,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, dict[str, int]]]:
    """Matched-sensitivity comparison of every finding that has boxes; see `patchclip.evaluate.claim`.

    Returns:
        claim and FROC curves of each finding, and how many images, boxes and normal images it stands on.
    """
    claims: dict[str, Any] = {}
    curves: dict[str, Any] = {}
    counts: dict[str, dict[str, int]] = {}
    twins = {image.name: prediction for image, prediction in twin_pairs}
    for label in labels:
        reader = reader_of(label)
        index = [
            k
            for k, (image, _) in enumerate(pairs)
            if (reader.source, label) in image.boxes or reader.normal(image)
        ]
        if not any((reader.source, label) in pairs[k][0].boxes for k in index):
            continue
        chosen = [pairs[k] for k in index]
        boxes = [reader.boxes(image, prediction.size) for image, prediction in chosen]
        normal = [not truth for truth in boxes]
        swept = {PATCH_MAP: sweep([prediction.maps[label] for _, prediction in chosen], boxes, normal)}
        rivals = [(method, [prediction for _, prediction in chosen], method) for method in methods]
        if twins:
            own = [twins[image.name] for image, _ in chosen]
            there = dict.fromkeys(method for item in own for method, found in item.saliency if found == label)
            rivals += [(f"{TWIN}{method}", own, method) for method in there]
        for name, predictions, method in rivals:
            maps = [unit(prediction.saliency[method, label]) for prediction in predictions]
            swept[f"{name}_raw"] = sweep(maps, boxes, normal)
            swept[f"{name}_gated"] = sweep(
                gated(maps, [prediction.probability[label] for prediction in predictions]), boxes, normal
            )
        claims[label], curves[label] = compare(swept, bootstrap.weights(np.array(index, np.int64)))
        counts[label] = {
            "images": len(index),
            "boxes": sum(len(truth) for truth in boxes),
            "normals": sum(normal),
        }
    correct(claims)
    return claims, curves, counts


def subgroups(labels: Sequence[str], pairs: list[Pair], bootstrap: PatientBootstrap) -> dict[str, Any]:
    """AUROC and pointing by view, sex and age band, for findings with at least 5 images of either class in the group."""
    members: dict[str, Callable[[EvaluationImage], bool]] = {
        "view PA": lambda image: image.view == "PA",
        "view AP": lambda image: image.view == "AP",
        "sex F": lambda image: image.sex == "F",
        "sex M": lambda image: image.sex == "M",
        "age under 40": lambda image: image.age is not None and image.age < 40,
        "age 40 to 64": lambda image: image.age is not None and 40 <= image.age < 65,
        "age 65 and over": lambda image: image.age is not None and image.age >= 65,
    }
    found: dict[str, Any] = {}
    for group, belongs in members.items():
        inside = np.array([belongs(image) for image, _ in pairs], bool)
        rows: dict[str, Any] = {}
        for label in labels:
            known, truth = truth_of(label, [image for image, _ in pairs])
            keep = inside[known]
            if min(truth[keep].sum(), (~truth[keep]).sum()) < 5:
                continue
            scores = np.array([pairs[k][1].probability[label] for k in known], np.float64)
            rows[label] = {
                "auroc": figure(
                    metrics.auroc(scores[keep], truth[keep], bootstrap.weights(known[keep])), int(keep.sum())
                )
            }
            boxed = [
                k for k in np.nonzero(inside)[0] if (reader_of(label).source, label) in pairs[k][0].boxes
            ]
            if len(boxed) >= 5:
                members_of = [pairs[k] for k in boxed]
                own = PatientBootstrap(
                    [image.patient for image, _ in members_of], bootstrap.replicates, bootstrap.seed
                )
                rows[label]["pointing"] = location_figures(members_of, reader_of(label), own)[0]["pointing"]
        if rows:
            found[group] = {"images": int(inside.sum()), "findings": rows}
    return found


def second_reader(labels: Sequence[str], pairs: list[Pair], bootstrap: PatientBootstrap) -> dict[str, Any]:
    """ChestX-Det's boxes, on the images that its readers read; a finding without a box there is absent."""
    read = [k for k, (image, _) in enumerate(pairs) if image.chestx_det_read]
    only = [pairs[k] for k in read]
    found: dict[str, Any] = {}
    for label in labels:
        if label == LUNG_OPACITY or not any((CHESTX_DET, label) in image.boxes for image, _ in only):
            continue
        truth = np.array([(CHESTX_DET, label) in image.boxes for image, _ in only], bool)
        scores = np.array([prediction.probability[label] for _, prediction in only], np.float64)
        own = PatientBootstrap([image.patient for image, _ in only], bootstrap.replicates, bootstrap.seed)
        located, _ = location_figures(only, Reader(CHESTX_DET, label), own)
        found[label] = image_figures(scores, np.arange(len(only)), truth, own) | located
    return found


def fingerprint(pairs: Sequence[Pair]) -> str:
    """Hash over everything that the figures depend on beside the model: the pixels that were scored and all that is known of them."""
    digest = hashlib.sha256()
    for image, prediction in pairs:
        boxes = [
            (reader, tuple((box.x, box.y, box.w, box.h) for box in drawn))
            for reader, drawn in sorted(image.boxes.items())
        ]
        facts = (
            image.name, prediction.radiograph_sha256, image.patient, sorted(image.labels), image.rsna_class, image.chestx_det_read,
            boxes, image.view, image.sex, image.age,
        )  # fmt: skip
        digest.update(repr(facts).encode())
    return digest.hexdigest()


def _wanted(image: EvaluationImage, methods: Sequence[str], labels: Sequence[str]) -> list[tuple[str, str]]:
    """Saliency is computed where the claim needs it: on images with a box of the finding, or free of it."""
    shown = [
        label
        for label in labels
        if (reader_of(label).source, label) in image.boxes or reader_of(label).normal(image)
    ]
    return [(method, label) for method in methods for label in shown]


def _mean(parts: list[Any], n: int) -> dict[str, Any]:
    """Mean over findings, replicate by replicate; null as soon as one finding has no value."""
    known = [part for part in parts if part is not None]
    if not known or len({len(part) for part in known}) != 1 or len(known) < len(parts):
        return figure(np.full(1, np.nan), n)
    return figure(np.mean(known, axis=0), n)
