"""Answers as COCO and as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from patchclip.export.cells import plain_cell
from patchclip.export.result import NOTICE, Result
from patchclip.version import __version__

Json = str | int | float | list["Json"] | dict[str, "Json"]

COLUMNS = (
    "image",
    "query",
    "finding",
    "negated",
    "laterality",
    "probability",
    "x",
    "y",
    "w",
    "h",
    "score",
    "model",
    "model_sha256",
    "execution",
    "picture",
)


def coco(results: Mapping[str, Result]) -> dict[str, Json]:
    """COCO detection format: an annotation per region, a category per finding, boxes [x, y, w, h] in pixels.

    Args:
        results: by the name of the image.
    """
    findings = sorted({answer.finding for result in results.values() for answer in result.answers})
    numbers = {name: number for number, name in enumerate(findings, start=1)}
    images: list[Json] = []
    annotations: list[Json] = []
    for image_id, (name, result) in enumerate(results.items(), start=1):
        height, width = result.size
        images.append(
            {
                "id": image_id,
                "file_name": name,
                "height": height,
                "width": width,
                "picture": dict(result.picture),
                "execution": result.execution.to_dict(),
                "warnings": list(result.warnings),
            }
        )
        for answer in result.answers:
            for region in answer.regions:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image_id,
                        "category_id": numbers[answer.finding],
                        "bbox": [region.x, region.y, region.w, region.h],
                        "area": region.area,
                        "iscrowd": 0,
                        "score": region.score,
                        "attributes": {
                            "query": answer.query,
                            "image_probability": answer.require_probability(),
                        },
                    }
                )
    models = sorted({f"{result.model_name} {result.model_sha256}" for result in results.values()})
    return {
        "info": {
            "description": f"Patch-CLIP {__version__}: {', '.join(models)}. {NOTICE}.",
            "version": __version__,
        },
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
    }


def csv_rows(results: Mapping[str, Result]) -> Sequence[Sequence[str | float]]:
    """`COLUMNS`, then a row per region, and one with empty places for an answer without."""
    rows: list[Sequence[str | float]] = [COLUMNS]
    for name, result in results.items():
        for answer in result.answers:
            begin = (
                plain_cell(name),
                plain_cell(answer.query),
                plain_cell(answer.finding),
                str(answer.negated).lower(),
                answer.laterality or "",
                answer.require_probability(),
            )
            picture = "; ".join(f"{key}: {value}" for key, value in result.picture.items())
            end = (result.model_name, result.model_sha256, str(result.execution), picture)
            rows += [(*begin, r.x, r.y, r.w, r.h, r.score, *end) for r in answer.regions] or [
                (*begin, "", "", "", "", "", *end)
            ]
    return rows
