"""A whole evaluation: a model's predictions on a dataset, and the report of all that is measured on them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from patchclip.data.remarks import check_left_out
from patchclip.errors import DataError
from patchclip.evaluate.bootstrap import Figure, PatientBootstrap
from patchclip.evaluate.case import Case
from patchclip.evaluate.claim import claim
from patchclip.evaluate.dataset import NIH8, EvaluationData, EvaluationImage
from patchclip.evaluate.faithfulness import faithfulness
from patchclip.evaluate.findings import finding_figures
from patchclip.evaluate.method import Method
from patchclip.evaluate.negatives import normals_without_region, off_topic
from patchclip.evaluate.predictor import ModelFacts, Predictor, predict_all
from patchclip.evaluate.report import DataSummary, Figures, FindingFigures, ModelIdentity, Report, Summary
from patchclip.evaluate.shortcuts import shortcuts
from patchclip.evaluate.subgroups import second_reader, subgroups
from patchclip.evaluate.truth import reader_of
from patchclip.saliency import default_methods


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A report, and the cases that it stands on."""

    report: Report
    cases: list[Case]


def evaluate(
    predictor: Predictor,
    data: EvaluationData,
    *,
    methods: Sequence[str] | None = None,
    twin: Predictor | None = None,
    seed: int = 0,
    replicates: int = 1000,
    faithful: int = 0,
    allow_missing: bool = False,
) -> Evaluation:
    """Predicts and scores everything.

    Args:
        predictor: the model.
        data: the images.
        methods: saliency methods to compare the patch map with; None takes the default ones of
            `patchclip.saliency`.
        twin: a model trained without boxes and patch-level losses, whose saliency joins the comparison.
        seed, replicates: of the bootstrap.
        faithful: boxed images per finding for which deletion and insertion curves are computed; they cost 34
            passes per method.
        allow_missing: go on however many images are missing or cannot be predicted.

    Raises:
        DataError: no image can be predicted, or more than 1 % cannot and that is not allowed.
    """
    methods = default_methods() if methods is None else methods
    usable = predictor.usable(methods)
    boxed = [
        label for label in predictor.labels if any(reader_of(label).boxed(image) for image in data.images)
    ]
    predicted = predict_all(predictor, data.images, _saliency(data.images, usable.names, boxed))
    cases = predicted.cases
    if not cases:
        raise DataError(
            f"No image of split {data.split} could be predicted; "
            f"the first: {(predicted.left_out or ['none there'])[0]}."
        )
    if predicted.left_out:
        lost = len(predicted.left_out) + data.missing
        total = len(data.images) + data.missing
        check_left_out(lost, total, predicted.left_out[0], allow_missing)
    left_out = [*data.left_out, *predicted.left_out]
    report = score(predictor, data, cases, left_out, seed=seed, replicates=replicates)

    reasons = dict(usable.reasons)
    twin_cases: list[Case] = []
    if twin is not None:
        shared = [label for label in boxed if label in twin.labels]
        twin_usable = twin.usable(methods)
        reasons |= {str(Method(name, twin=True)): reason for name, reason in twin_usable.reasons.items()}
        reasons |= {
            f"twin on {label}": "the twin does not know this finding"
            for label in boxed
            if label not in shared
        }
        images = [case.image for case in cases]
        twin_cases = predict_all(twin, images, _saliency(images, twin_usable.names, shared)).cases
        report = replace(report, twin=ModelIdentity(twin.name, twin.sha256, twin.backend))

    bootstrap = _bootstrap(cases, replicates, seed)
    comparisons = claim(predictor.labels, cases, twin_cases, usable.names, bootstrap)
    report = replace(
        report,
        claim={label: item.costs for label, item in comparisons.items()},
        claim_curves={label: item.curves for label, item in comparisons.items()},
        claim_counts={label: item.counts for label, item in comparisons.items()},
        claim_left_out=reasons,
    )
    if faithful:
        areas = faithfulness(predictor, cases, usable.names, bootstrap, faithful)
        report = replace(report, faithfulness=areas)
    return Evaluation(report, cases)


def score(
    model: ModelFacts,
    data: EvaluationData,
    cases: list[Case],
    left_out: list[str],
    *,
    seed: int,
    replicates: int,
) -> Report:
    """The report of predictions that are already made, without the comparison with saliency."""
    bootstrap = _bootstrap(cases, replicates, seed)
    ranked = [
        f"{label}: no probability is given, so each map's highest value ranks the images"
        for label in sorted(model.uncalibrated)
    ]
    findings = {
        label: finding_figures(label, cases, bootstrap, calibrated=label not in model.uncalibrated)
        for label in model.labels
    }
    return Report(
        model=ModelIdentity(model.name, model.sha256, model.backend),
        data=DataSummary(
            folder=data.folder.name,
            split=data.split,
            images=len(cases),
            patients=len({case.image.patient for case in cases}),
            left_out=[*left_out, *ranked],
            notes=list(data.notes) or None,
            sha256=data_sha256(cases),
        ),
        seed=seed,
        replicates=replicates,
        findings=findings,
        summary=Summary(
            nih8=_means(findings, len(cases)),
            rsna_normals_without_region=normals_without_region(cases, bootstrap),
        ),
        subgroups=subgroups(model.labels, cases, bootstrap),
        shortcuts=shortcuts(model.labels, cases, bootstrap),
        second_reader=second_reader(model.labels, cases, bootstrap),
        off_topic=off_topic(cases, bootstrap),
    )


def data_sha256(cases: Sequence[Case]) -> str:
    """Hash over all that figures depend on beside the model: the pixels that were scored, and their facts."""
    digest = hashlib.sha256()
    for case in cases:
        image = case.image
        boxes = [
            (source_and_label, tuple(astuple(box) for box in drawn))
            for source_and_label, drawn in sorted(image.boxes.items())
        ]
        facts = (
            image.name,
            case.prediction.radiograph_sha256,
            image.patient,
            sorted(image.labels),
            image.rsna_class,
            image.chestx_det_read,
            boxes,
            image.view,
            image.sex,
            image.age,
        )
        digest.update(repr(facts).encode())
    return digest.hexdigest()


def _bootstrap(cases: Sequence[Case], replicates: int, seed: int) -> PatientBootstrap:
    return PatientBootstrap([case.image.patient for case in cases], replicates, seed)


def _saliency(
    images: Sequence[EvaluationImage], methods: Sequence[str], labels: Sequence[str]
) -> dict[str, list[tuple[str, str]]]:
    """Image -> (method, label) maps that the claim needs: of findings boxed on it, or that it is free of."""
    wanted: dict[str, list[tuple[str, str]]] = {}
    for image in images:
        readers = [reader_of(label) for label in labels]
        drawn = [reader.label for reader in readers if reader.boxed(image) or reader.normal(image)]
        wanted[image.name] = [(method, label) for method in methods for label in drawn]
    return wanted


def _means(findings: dict[str, FindingFigures], images: int) -> Figures:
    """Means over NIH's eight boxed findings."""

    def mean(figure: Callable[[FindingFigures], Figure]) -> Figure:
        return _mean([figure(findings[label]) for label in NIH8 if label in findings], images)

    return {
        "auroc": mean(lambda item: item.image["auroc"]),
        "pointing": mean(lambda item: item.location.boxed["pointing"]),
        "patch_auroc_within": mean(lambda item: item.location.boxed["patch_auroc_within"]),
        "acc_iobb_0.1": mean(lambda item: item.location.boxed["acc_iobb_0.1"]),
        "afp_iobb_0.1": mean(lambda item: item.location.regions["afp_iobb_0.1"]),
        "froc": mean(lambda item: item.location.froc["froc"]["0.5"]),
    }


def _mean(figures: Sequence[Figure], images: int) -> Figure:
    """Replicate by replicate; undefined unless each of the eight has a value."""
    replicates = [figure.replicates for figure in figures]
    if len(replicates) < len(NIH8) or len({len(values) for values in replicates}) > 1:
        return Figure.undefined(images)
    return Figure.of(np.mean(replicates, axis=0), images)
