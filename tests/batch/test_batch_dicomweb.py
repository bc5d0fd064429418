"""The command batch on a DICOMweb query: a real Orthanc, its studies found, fetched and answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchclip import Engine, load_radiograph
from patchclip.__main__ import main
from patchclip.archive import Archive
from patchclip.batch import studies
from patchclip.batch.output import Output
from patchclip.batch.units import Unit, open_unit
from patchclip.image.model_input import ModelInput
from tests.archive.orthanc import PASSWORD, Orthanc, running
from tests.batch.archives import checkpoint_of, rows_of
from tests.export.sources import NAME, film
from tests.image.dicoms import content

ROOT = "1.2.826.0.1.3680043.2.1125.77"
QUERIES = ("pleural effusion", "no pneumothorax")
JANUARY = "StudyDate=20260101-20260131"


def of_study(study: int, number: int, day: str = "20260102", cut: int = 0, **tags: object) -> bytes:
    """A film of a study, unlike any other; `cut`: bytes that are missing at the end of its pixels."""
    made = film(
        StudyInstanceUID=f"{ROOT}.{study}",
        SeriesInstanceUID=f"{ROOT}.{study}.1",
        SOPInstanceUID=f"{ROOT}.{study}.1.{number}",
        InstanceNumber=number,
        StudyDate=day,
        **tags,
    )
    pixels = bytearray(made.PixelData)
    pixels[0] = study * 16 + number
    made.PixelData = bytes(pixels[: len(pixels) - cut])
    return content(made)


FILMS = (of_study(1, 1), of_study(1, 2), of_study(2, 1))
BROKEN = of_study(3, 1, day="20260103", cut=20_000)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """Two studies of January with three films, one with a film that is cut short, one of another modality;
    and a film of February."""
    with running(tmp_path_factory.mktemp("orthanc")) as server:
        for one in (*FILMS, BROKEN, of_study(5, 1, Modality="MR"), of_study(6, 1, day="20260201")):
            server.upload(one)
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model and the queries."""
    folder = tmp_path_factory.mktemp("batch")
    checkpoint_of(folder / "model")
    (folder / "queries.txt").write_text("\n".join(QUERIES))
    return folder


def run(folder: Path, url: str, *flags: str) -> int:
    """The exit status of a batch, each study a part."""
    fixed = ["--queries", str(folder / "queries.txt"), "--checkpoint", str(folder / "model")]
    return main(["batch", url, *fixed, "--out", str(folder / "out"), "--part-size", "1", *flags])


def test_the_studies_of_a_query_become_rows_and_only_what_is_new_is_fetched_again(
    folder: Path, orthanc: Orthanc, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies, "PAGE", 2)  # of the archive's answer: several are asked for
    url, out = f"{orthanc.dicomweb}/studies?{JANUARY}", folder / "out"
    assert run(folder, url) == 1  # one film is cut short
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert (summary["files"], summary["images"], summary["errors"], summary["left_out"]) == (4, 3, 1, 1)
    rows = rows_of(out)
    decoded = [load_radiograph(one) for one in FILMS]
    assert sorted((row["sha256"], row["query"]) for row in rows) == sorted(
        (one.sha256, query) for one in decoded for query in QUERIES
    )
    assert len({row["image"] for row in rows}) == len(rows_of(out / "embeddings")) == 3
    engine = Engine.from_pretrained(folder / "model", device="cpu")
    for one in decoded:
        answers = engine.query(engine.encode(one), QUERIES)
        stored = {row["query"]: row["probability"] for row in rows if row["sha256"] == one.sha256}
        assert stored == pytest.approx({item.query: item.probability for item in answers}, abs=1e-6)
    told = {row["kind"]: row["error"] for row in rows_of(out / "errors")}
    assert set(told) == {"error", "left out"} and "no radiograph" in told["left out"]
    assert all(sentence.count(". ") == 0 and sentence.endswith(".") for sentence in told.values())
    assert f"{ROOT}.3" in printed.err  # which one, for whoever runs it alone
    kept = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    for secret in (ROOT, NAME, PASSWORD, "reader:", "MRN-4711"):
        assert secret.encode() not in kept

    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    lost = next(part.part for part in Output(out).parts() if part.images == 2)
    (out / "ledger" / f"{lost}.json").unlink()  # as if it was killed before this part was done
    orthanc.upload(of_study(4, 1))
    assert run(folder, url) == 0
    assert json.loads(capsys.readouterr().out)["done_before"] == 3
    after = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    assert {path.stem for path in before if after[path] != before[path]} == {lost}
    assert len({row["image"] for row in rows_of(out)}) == 4 and len(rows_of(out)) == 4 * len(QUERIES)

    orthanc.delete(f"{ROOT}.3.1.1")
    orthanc.upload(of_study(3, 1, day="20260103"))
    assert run(folder, url, "--retry") == 0
    assert len({row["image"] for row in rows_of(out)}) == 5
    assert [row["kind"] for row in rows_of(out / "errors")] == ["left out"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://reader:hush@127.0.0.1:9/dicom-web/studies?StudyDate=20260101", "cannot be reached"),
        (
            "http://reader:hush@127.0.0.1:{port}/dicom-web/studies?StudyDate=20260101",
            "check user and password",
        ),
        ("{dicomweb}/studies?StudyDate=19000101", "finds no study"),
        ("{dicomweb}/studies?PatientName=DOE", "PatientName is not known"),
        ("{dicomweb}/instances?StudyDate=20260101", "names no studies"),
    ],
)
def test_a_query_that_gives_nothing_is_one_sentence_without_a_password(
    folder: Path, orthanc: Orthanc, url: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address = url.format(port=orthanc.http, dicomweb=orthanc.dicomweb)
    assert run(folder, address, "--no-embeddings") == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1 and words in said
    assert "hush" not in said and PASSWORD not in said


def test_an_archive_that_goes_away_costs_each_study_a_sentence_without_its_uid() -> None:
    unit = Unit(f"{ROOT}.1", "study", f"{ROOT}.1")
    (fault,) = open_unit(unit, ModelInput(96), Archive("http://reader:hush@127.0.0.1:9/dicom-web")).faults
    assert fault.kind == "error" and "cannot be reached to find the study" in fault.reason
    assert ROOT not in fault.reason and "hush" not in fault.reason
