"""Answers as a DICOM structured report: PS3.16 TID 1500, one measurement group per answer and one per
region."""

from __future__ import annotations

from highdicom import UID
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TrackingIdentifier,
)
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from patchclip.export.codes import finding_code
from patchclip.export.result import Result
from patchclip.export.source import MANUFACTURER, Source, device_uid, finish
from patchclip.types import Answer, Region

PROBABILITY = Code("122157", "DCM", "Probability")
RATIO = Code("{ratio}", "UCUM", "ratio")
PRESENCE = Code("PRESENCE", "99PATCHCLIP", "Model's answer to the query")
ABSENCE_ASKED = Code("NEGATED_QUERY", "99PATCHCLIP", "Query asks for absence")
CHEST_RADIOGRAPHY = Code("399208008", "SCT", "Plain chest X-ray")
TITLE = Code("126000", "DCM", "Imaging Measurement Report")


def structured_report(result: Result, source: Source) -> ComprehensiveSR:
    """An SR document that references the source image.

    Each answer gives a group with the query as its tracking identifier, the finding's code, the probability
    of the query as asked, and whether the query asked for absence; each region gives a group with its outline
    in pixels of the source image and its highest value. The model, its version and its hash stand in the
    observer context and in each group's algorithm, whose parameters say how the answer was computed.
    """
    groups = [group for answer in result.answers for group in _groups(answer, result, source)]
    observer = ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=device_uid(result),
            name=MANUFACTURER,
            manufacturer_name=MANUFACTURER,
            model_name=result.model_name,
            serial_number=result.model_sha256,
        ),
    )
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=CHEST_RADIOGRAPHY,
        imaging_measurements=groups,
        title=TITLE,
    )
    report = ComprehensiveSR(
        evidence=[source.header],
        content=content,
        series_instance_uid=UID(),
        series_number=9001,
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
    )
    finish(report, result, source, "Patch-CLIP answers")
    del (
        report.ContentLabel,
        report.ContentDescription,
    )  # of presentation states and segmentations, not of reports
    return report


def _groups(
    answer: Answer, result: Result, source: Source
) -> list[MeasurementsAndQualitativeEvaluations | PlanarROIMeasurementsAndQualitativeEvaluations]:
    header = source.header
    whole = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=UID(), identifier=answer.query),
        finding_type=_concept(finding_code(answer)),
        algorithm_id=_algorithm(result, answer),
        finding_sites=_sites(answer),
        measurements=[_probability(answer.require_probability())],
        qualitative_evaluations=[
            QualitativeEvaluation(
                name=_concept(ABSENCE_ASKED),
                value=_concept(codes.SCT.Yes if answer.negated else codes.SCT.No),
            )
        ],
        source_images=[
            SourceImageForMeasurementGroup(header.SOPClassUID, header.SOPInstanceUID, source.frame_numbers)
        ],
    )
    return [whole, *(_region_group(answer, region, result, source) for region in answer.regions)]


def _region_group(
    answer: Answer, region: Region, result: Result, source: Source
) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    header = source.header
    outline = ImageRegion(
        graphic_type="POLYLINE",
        graphic_data=source.corners(region, result),
        source_image=SourceImageForRegion(header.SOPClassUID, header.SOPInstanceUID, source.frame_numbers),
    )
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=UID(), identifier=f"{answer.finding}, region"),
        referenced_region=outline,
        finding_type=_concept(finding_code(answer)),
        algorithm_id=_algorithm(result, answer),
        finding_sites=_sites(answer),
        measurements=[_probability(region.score)],
    )


def _probability(value: float) -> Measurement:
    return Measurement(name=_concept(PROBABILITY), value=round(float(value), 4), unit=_concept(RATIO))


def _algorithm(result: Result, answer: Answer) -> AlgorithmIdentification:
    return AlgorithmIdentification(
        name=f"{MANUFACTURER} {result.model_name}",
        version=result.model_sha256,
        parameters=[f"{name}={value}" for name, value in result.parameters(answer).items()],
    )


def _sites(answer: Answer) -> list[FindingSite] | None:
    if answer.laterality is None:
        return None
    laterality = codes.SCT.Left if answer.laterality == "left" else codes.SCT.Right
    return [FindingSite(anatomic_location=codes.SCT.Lung, laterality=laterality)]


def _concept(code: Code) -> CodedConcept:
    return CodedConcept(code.value, code.scheme_designator, code.meaning)
