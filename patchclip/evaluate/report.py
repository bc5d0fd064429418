"""What an evaluation finds as one typed record, `Report`: written to metrics.json and read back from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from patchclip.evaluate.bootstrap import Figure
from patchclip.evaluate.method import Method
from patchclip.evaluate.serialize import Beside, read, write

NOTICE = "research use only, not for clinical use"
Figures = dict[str, Figure]
"""Name, or label of a finding -> figure."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """A model by its name, the SHA-256 of its weights, and what computed it; None of maps from a file."""

    name: str
    sha256: str
    backend: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """What the figures stand on.

    Attributes:
        folder: its name alone.
        split: the rows of images.csv that were taken.
        images, patients: how many were scored.
        left_out: a sentence for each thing that was not.
        notes: a sentence for each kind of thing that was read otherwise than written; None without any.
        sha256: of the pixels that were scored, and of all that is known of them.
    """

    folder: str
    split: str
    images: int
    patients: int
    left_out: list[str]
    notes: list[str] | None = None
    sha256: str


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """A point of a calibration plot: mean probability, observed frequency, and how many images."""

    probability: float
    frequency: float
    n: int


@dataclass(frozen=True, slots=True)
class Localisation:
    """Figures of one finding's maps against one reader's boxes.

    Attributes:
        boxed: means over images with a box: pointing, contrast, overlap, accuracy.
        froc: criterion -> false positives per image ("0.5"), or "mean" -> sensitivity. The FROC of
            components: a map's connected parts above a fixed floor are the candidates, and each counts with
            its highest value.
        regions: false positives, and normal images with a region, at the operating threshold.
    """

    boxed: Annotated[
        Figures, Beside("pointing|cnr|patch_auroc_within|miou_.*|mdice_.*|acc_.*|chexlocalize_.*")
    ]
    froc: Annotated[dict[str, Figures], Beside("froc.*")]
    regions: Annotated[Figures, Beside("afp_.*|normals_lit")]


@dataclass(frozen=True, slots=True)
class FindingFigures:
    """All figures of one finding by one reader.

    Attributes:
        image: of its probability: AUROC, average precision, Brier score, calibration errors, sensitivity.
        location: of its maps.
        reliability: points of its calibration plot; None where none are drawn.
        auroc_negated: of the query that asks for its absence; None where the model takes no queries.
    """

    image: Annotated[Figures, Beside("auroc|average_precision|brier|ece|ece_by_chance|sensitivity_.*")]
    location: Annotated[Localisation, Beside()]
    reliability: list[CalibrationBin] | None = None
    auroc_negated: Figure | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over NIH's eight boxed findings, and share of RSNA's normal images without a region of any."""

    nih8: Figures
    rsna_normals_without_region: Figure


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Images of one view, sex or age band; finding -> "auroc" and, with enough boxes, "pointing"."""

    images: int
    findings: dict[str, Figures]


@dataclass(frozen=True, slots=True)
class OffTopic:
    """A query that no chest radiograph answers: share of images on which it lights anything, or warns."""

    lit: Figure
    warned: Figure


@dataclass(frozen=True, slots=True)
class AgainstPatchMap:
    """What a method costs divided by what the patch map costs at the same sensitivity, and the difference of
    the two.

    Attributes:
        p: of equal false-positive regions, not corrected; not to reach the sensitivity costs infinitely much.
        ratio_to_patch_map, difference_to_patch_map: of false-positive regions per image; the others say of
            what.
        p_holm: corrected over all findings that have boxes, for one method at one sensitivity.
    """

    p: float
    ratio_to_patch_map: Figure
    difference_to_patch_map: Figure
    fp_patches_ratio_to_patch_map: Figure
    fp_patches_difference_to_patch_map: Figure
    normals_lit_ratio_to_patch_map: Figure
    normals_lit_difference_to_patch_map: Figure
    p_holm: float | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a sensitivity costs one method on one finding.

    Attributes:
        fp_regions_per_image, fp_patches_per_image, normals_lit: undefined where the sensitivity is never
            reached.
        sensitivity, threshold: at which they were taken.
        highest_sensitivity: that any threshold gives.
        reached: share of the replicates in which the method gets to the sensitivity.
        against: None for the patch map itself.
    """

    fp_regions_per_image: Figure
    fp_patches_per_image: Figure
    normals_lit: Figure
    sensitivity: Figure
    threshold: Figure
    highest_sensitivity: Figure
    reached: float | None
    against: Annotated[AgainstPatchMap | None, Beside()] = None


@dataclass(frozen=True, slots=True)
class OperatingCurve:
    """Highest sensitivity at no more than each rate of false positives, with its 95 % band.

    Regions are drawn anew at each threshold, unlike the components of `Localisation.froc`.
    """

    fp_per_image: list[float]
    sensitivity: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True, slots=True)
class ClaimCounts:
    """What the comparison of one finding stands on."""

    images: int
    boxes: int
    normals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaithfulnessFigures:
    """Areas under the deletion and insertion curves; of other methods also less the patch map's."""

    deletion: Figure
    deletion_minus_patch_map: Figure | None = None
    insertion: Figure
    insertion_minus_patch_map: Figure | None = None


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A figure of this report less that of another one, in the same replicates."""

    this: float
    other: float
    difference: Figure
    p: float


@dataclass(frozen=True, slots=True)
class Against:
    """This report against another one: its model, and path of a figure -> difference."""

    model: ModelIdentity
    figures: dict[str, PairedDifference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole evaluation; its fields are those of metrics.json, in that order.

    Attributes:
        model, twin: what was evaluated, and the model without boxes that joined the comparison, if any.
        seed, replicates: of the bootstrap.
        findings, second_reader: by finding.
        subgroups: by group.
        shortcuts: cue -> finding -> AUROC.
        off_topic: by query.
        claim: by finding, method and sensitivity.
        claim_curves: by finding and method.
        claim_counts: by finding.
        claim_left_out: method, or what else could not be compared -> reason.
        faithfulness: by finding and method; None where it was not asked for.
        command: how it was made.
        against: another report, None without one.
    """

    notice: str = NOTICE
    model: ModelIdentity
    data: DataSummary
    seed: int
    replicates: int
    findings: dict[str, FindingFigures]
    summary: Summary
    subgroups: dict[str, Subgroup]
    shortcuts: dict[str, Figures]
    second_reader: dict[str, FindingFigures]
    off_topic: dict[str, OffTopic]
    claim: dict[str, dict[Method, dict[float, Cost]]] = field(default_factory=dict)
    twin: ModelIdentity | None = None
    claim_curves: dict[str, dict[Method, OperatingCurve]] = field(default_factory=dict)
    claim_counts: dict[str, ClaimCounts] = field(default_factory=dict)
    claim_left_out: dict[str, str] = field(default_factory=dict)
    faithfulness: dict[str, dict[Method, FaithfulnessFigures]] | None = None
    command: str | None = None
    against: Against | None = None

    def to_json(self) -> dict[str, Any]:
        """The content of metrics.json: plain dictionaries, lists, numbers and text."""
        record: dict[str, Any] = write(self)
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """From the content of metrics.json or figures.json; figures come without their replicates."""
        report: Self = read(cls, record)
        return report
