"""A whole evaluation: every finding, every reader, the means, as one JSON record."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from patchclip.evaluate.bootstrap import PatientBootstrap, figure
from patchclip.evaluate.dataset import CHESTX_DET, LUNG_OPACITY, NIH8, EvaluationData
from patchclip.evaluate.predictions import Source, predict_all
from patchclip.evaluate.score import Pair, Reader, image_figures, location_figures, reader_of, truth_of

MEANS = {
    "pointing": "pointing",
    "patch_auroc_within": "patch_auroc_within",
    "acc_iobb_0.1": "acc_iobb_0.1",
    "afp_iobb_0.1": "afp_iobb_0.1",
    "froc": "froc_0.5",
}
"""Name under `summary` -> replicates that it is the mean of."""


def evaluate(source: Source, data: EvaluationData, *, seed: int = 0, replicates: int = 1000) -> tuple[dict[str, Any], list[Pair]]:
    """Predicts and scores everything but the claim.

    Returns:
        metrics.json's content without `claim`, and the predictions that it stands on.
    """
    pairs, unreadable = predict_all(source, data.images, {})
    return score(source, data, pairs, [*data.left_out, *unreadable], seed=seed, replicates=replicates), pairs


def score(source: Source, data: EvaluationData, pairs: list[Pair], left_out: list[str], *, seed: int, replicates: int) -> dict[str, Any]:
    """All figures of predictions that are already made."""
    images = [image for image, _ in pairs]
    bootstrap = PatientBootstrap([image.patient for image in images], replicates, seed)
    findings: dict[str, Any] = {}
    kept: dict[str, dict[str, Any]] = {}
    for label in source.labels:
        known, truth = truth_of(label, images)
        scores = np.array([pairs[k][1].probability[label] for k in known], np.float64)
        findings[label] = image_figures(scores, known, truth, bootstrap)
        located, behind = location_figures(pairs, reader_of(label), bootstrap)
        findings[label] |= located
        kept[label] = behind
        if label in NIH8 and truth.any() and not truth.all():
            from patchclip.evaluate.metrics import auroc

            kept[label]["auroc"] = auroc(scores, truth, bootstrap.weights(known))
    eight = [label for label in NIH8 if label in kept]
    summary = {name: _mean([kept[label].get(key) for label in eight], len(images)) for name, key in {"auroc": "auroc", **MEANS}.items()}
    return {
        "notice": "research use only, not for clinical use",
        "model": {"name": source.name, "sha256": source.sha256},
        "data": {
            "folder": data.folder.name,
            "split": data.split,
            "images": len(images),
            "patients": len({image.patient for image in images}),
            "left_out": left_out,
            "sha256": fingerprint(data),
        },
        "seed": seed,
        "replicates": replicates,
        "findings": findings,
        "summary": {"nih8": summary},
        "second_reader": second_reader(source, pairs, bootstrap),
        "claim": {},
    }


def second_reader(source: Source, pairs: list[Pair], bootstrap: PatientBootstrap) -> dict[str, Any]:
    """ChestX-Det's boxes, on the images that its readers read; a finding without a box there is absent."""
    read = [k for k, (image, _) in enumerate(pairs) if image.chestx_det_read]
    found: dict[str, Any] = {}
    for label in source.labels:
        if label == LUNG_OPACITY or not any((CHESTX_DET, label) in pairs[k][0].boxes for k in read):
            continue
        index = np.array(read, np.int64)
        truth = np.array([(CHESTX_DET, label) in pairs[k][0].boxes for k in read], bool)
        scores = np.array([pairs[k][1].probability[label] for k in read], np.float64)
        only = [pairs[k] for k in read]
        own = PatientBootstrap([image.patient for image, _ in only], bootstrap.replicates, bootstrap.seed)
        found[label] = image_figures(scores, index, truth, bootstrap) | location_figures(only, Reader(CHESTX_DET, label), own)[0]
    return found


def fingerprint(data: EvaluationData) -> str:
    """Hash over everything that the figures depend on, beside the pixels."""
    digest = hashlib.sha256()
    for image in data.images:
        digest.update(
            repr(
                (image.name, image.patient, sorted(image.labels), image.rsna_class, image.chestx_det_read, sorted(image.boxes.items()))
            ).encode()
        )
    return digest.hexdigest()


def _mean(parts: list[Any], n: int) -> dict[str, Any]:
    """Mean over findings, replicate by replicate; null as soon as one finding has no value."""
    known = [part for part in parts if part is not None]
    if not known or len({len(part) for part in known}) != 1 or len(known) < len(parts):
        return figure(np.full(1, np.nan), n)
    return figure(np.mean(known, axis=0), n)
