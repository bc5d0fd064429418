"""COCO and CSV."""

from __future__ import annotations

import json
from pathlib import Path

from pycocotools.coco import COCO

from patchclip.export import coco, csv_rows
from tests.export.sources import SHA, answer, dark, result


def test_coco_is_read_by_its_own_library(tmp_path: Path) -> None:
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(coco({"a.dcm": result(), "b.dcm": result(dark("no pneumothorax"))})))
    table = COCO(str(path))
    assert [image["file_name"] for image in table.loadImgs(table.getImgIds())] == ["a.dcm", "b.dcm"]
    (annotation,) = table.loadAnns(table.getAnnIds())
    assert (
        annotation["bbox"] == [0, 160, 80, 80] and annotation["area"] == 6400 and annotation["score"] == 0.9
    )
    assert table.loadImgs([1])[0]["execution"] == {
        "backend": "torch",
        "precision": "bf16",
        "mirror": False,
        "input_size": 512,
        "device": "cpu",
    }
    (category,) = table.loadCats([annotation["category_id"]])
    assert category["name"] == "pleural effusion"
    assert annotation["attributes"] == {"query": "pleural effusion", "image_probability": 0.8125}


def test_csv_has_a_row_per_region_and_one_for_an_answer_without() -> None:
    header, *rows = csv_rows({"a.dcm": result(answer(laterality="left"), dark("no pneumothorax"))})
    assert [dict(zip(header, row, strict=True)) for row in rows] == [
        {
            "image": "a.dcm",
            "query": query,
            "finding": finding,
            "negated": negated,
            "laterality": side,
            "probability": probability,
            "x": x,
            "y": y,
            "w": w,
            "h": h,
            "score": score,
            "model": "invented",
            "model_sha256": SHA,
            "execution": "torch, bf16, without the mirror image, 512 x 512 pixels, cpu",
            "picture": "",
        }
        for query, finding, negated, side, probability, x, y, w, h, score in (
            ("pleural effusion", "pleural effusion", "false", "left", 0.8125, 0, 160, 80, 80, 0.9),
            ("no pneumothorax", "pneumothorax", "true", "", 0.97, "", "", "", "", ""),
        )
    ]
