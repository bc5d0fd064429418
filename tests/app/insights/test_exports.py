"""Exports: rows, boxes and hashes; a package gives the same figures elsewhere."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from pycocotools.coco import COCO

from app.insights.exports import coco, json_record, long_csv
from app.insights.figures import figures
from app.insights.opinions import InsightsError
from app.insights.package import pack, unpack, without_names
from app.insights.record import record
from app.study.cli import main
from app.study.data import CaseTruth
from tests.app.insights.studies import COMPUTED, READERS, TRUE_BOX, drawn_study, mark, study


def test_the_long_csv_has_a_row_per_reading_in_words_of_the_field() -> None:
    marks = [
        mark("Ada", 1, "present", confidence=80),
        mark("=Ben", 1, "absent", confidence=30, arm="sequential", opinion="second"),
        mark("Ada", 2, "unsure"),
    ]
    text = long_csv(study(marks, [CaseTruth(1, "Effusion", True), CaseTruth(2, "Effusion", False)]))
    assert text == (
        "reader,case,arm,finding,score,truth\n"
        "Ada,1,unaided,Effusion,90,1\n"
        "'=Ben,1,second,Effusion,35,1\n"
        "Ada,2,unaided,Effusion,50,0\n"
    )


def test_a_case_without_truth_has_an_empty_cell() -> None:
    assert long_csv(study([mark("Ada", 1, "absent")])).splitlines()[1] == "Ada,1,unaided,Effusion,0,"


def test_multi_reader_analysis_of_the_long_csv_is_the_studys_own(tmp_path: Path) -> None:
    """Through the other door: the CSV of one finding, read by the command for tables of ratings."""
    data = drawn_study()
    rows = [row for row in csv.DictReader(io.StringIO(long_csv(data))) if row["finding"] == "Nodule"]
    table = tmp_path / "ratings.csv"
    table.write_text(
        "reader,arm,case,truth,rating\n"
        + "".join(f"{r['reader']},{r['arm']},{r['case']},{r['truth']},{r['score']}\n" for r in rows)
    )
    assert main(["analyse", "--readings", str(table), "--out", str(tmp_path)]) == 0
    told = json.loads((tmp_path / "analysis.json").read_text())
    own = next(item for item in record(figures(data))["comparisons"] if item["finding"] == "Nodule")
    (difference,) = told["analyses"]["random_readers_random_cases"]["differences"]
    ours = own["result"]["analyses"][0]["differences"][0]
    assert difference["value"] == pytest.approx(ours["area"]["value"])
    assert difference["ci"] == pytest.approx([ours["area"]["low"], ours["area"]["high"]], rel=1e-3)
    assert difference["p"] == pytest.approx(ours["p"], rel=1e-3)


def test_coco_reads_in_pycocotools(tmp_path: Path) -> None:
    data = drawn_study(cases=6)
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps(coco(data, lambda case: (400, 320 + case))))
    read = COCO(str(file))
    assert (read.imgs[3]["height"], read.imgs[3]["width"], read.imgs[3]["image_sha256"]) == (
        400,
        323,
        f"{3:064x}",
    )
    assert sorted(item["name"] for item in read.cats.values()) == ["Effusion", "Nodule"]
    truth = [item for item in read.anns.values() if item["attributes"]["source"] == "truth"]
    assert [item["bbox"] for item in truth] == [[100, 100, 80, 60]] * 4
    ada = [
        item["bbox"]
        for item in read.anns.values()
        if item["attributes"].get("reader") == "Ada" and item["attributes"]["arm"] == "first"
    ]
    expected = [
        [box.x, box.y, box.w, box.h]
        for m in data.marks
        if (m.reader, m.opinion) == ("Ada", "first")
        for box in m.boxes
    ]
    assert ada == expected and expected


def test_json_holds_every_reading() -> None:
    data = drawn_study(cases=6)
    told = json_record(data, [{"case": 1, "finding": "Nodule", "presence": "present"}])
    assert len(told["readings"]) == len(data.marks)
    assert told["readings"][0]["saved_at"] == "2026-03-01T09:30:00+00:00"
    assert all(answer["execution"] == COMPUTED for answer in told["answers"]) and told["answers"]
    assert told["consensus"] == [{"case": 1, "finding": "Nodule", "presence": "present"}]
    assert told["truths"][2] == {
        "case": 3,
        "finding": "Effusion",
        "present": True,
        "boxes": [[TRUE_BOX.x, TRUE_BOX.y, TRUE_BOX.w, TRUE_BOX.h]],
    }


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of the drawn study."""
    path = tmp_path / "study.zip"
    path.write_bytes(pack(drawn_study(), [{"case": 3, "finding": "Nodule", "presence": "present"}]))
    return path


def test_a_package_gives_the_same_figures_at_another_site(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyse", "--package", str(package), "--out", str(tmp_path / "there")]) == 0
    there = json.loads((tmp_path / "there" / "figures.json").read_text())
    assert there == record(figures(without_names(drawn_study())))
    # Names apart, they are those of the site that made it.
    text = json.dumps(record(figures(drawn_study())))
    for number, name in enumerate(READERS, start=1):
        text = text.replace(f'"{name}"', f'"reader-{number}"')
    assert there == json.loads(text)
    printed = capsys.readouterr().out
    assert "the same figures as in the package" in printed
    assert "Research use only, not for clinical use" in printed


def test_a_package_says_what_it_is_and_names_nobody(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        contents = {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}
    assert manifest["sha256"] == {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
    }
    assert manifest["protocol_sha256"] == "a" * 64 and manifest["model"]["sha256"] == "b" * 64
    assert set(manifest["versions"]) == {"patch-clip", "python", "numpy", "scipy", "scikit-learn"}
    assert b"--package" in contents["README.txt"] and b"not for clinical use" in contents["README.txt"]
    assert not any(name.encode() in content for name in READERS for content in contents.values())
    assert json.loads(contents["study.json"])["consensus"][0]["presence"] == "present"
    assert (
        contents["readings.csv"].decode().startswith("reader,case,arm,finding,score,truth\nreader-1,1,first,")
    )
    assert unpack(package).data == without_names(drawn_study())


def test_the_same_study_gives_the_same_bytes() -> None:
    data = drawn_study(cases=6)
    assert pack(data) == pack(replace(data))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"study.json": b"{}"}, "study.json was changed after the package was made"),
        ({"manifest.json": b'{"format": "other"}'}, "not a study package of this version"),
        ({"manifest.json": b"["}, "not a study package, or is damaged"),
    ],
)
def test_a_package_that_is_not_whole_is_refused(package: Path, change: dict[str, bytes], words: str) -> None:
    with zipfile.ZipFile(package) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()} | change
    with zipfile.ZipFile(package, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    with pytest.raises(InsightsError, match=words):
        unpack(package)


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK no")
    with pytest.raises(InsightsError, match="is not a study package, or is damaged"):
        unpack(tmp_path / "x.zip")
    with pytest.raises(InsightsError, match="cannot be read"):
        unpack(tmp_path / "none.zip")
