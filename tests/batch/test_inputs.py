"""What a batch takes as input: folders, globs, manifests, shards, files; and what is wrong in a sentence."""

from __future__ import annotations

import io
import tarfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from patchclip import load_radiograph
from patchclip.batch.ahead import ahead
from patchclip.batch.inputs import read_input
from patchclip.batch.names import Namer
from patchclip.batch.parts import parts_of
from patchclip.batch.studies import query_of
from patchclip.batch.units import open_unit
from patchclip.errors import PatchClipError
from patchclip.image.model_input import ModelInput, model_input
from tests.batch.archives import films

WANTED = ModelInput(96)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four films in two folders, a hidden file, a manifest, and two shards of which one is cut short."""
    folder = tmp_path_factory.mktemp("in")
    places = films(folder / "films", 4)
    (folder / "films" / ".hidden.png").write_bytes(b"x")
    (folder / "manifest.csv").write_text(
        "path,reference\nfilms/a/000.png,case 1\nfilms/b/001.png,\nfilms/none.png,case 3\n"
    )
    (folder / "shards").mkdir()
    for name in ("one", "two"):
        with tarfile.open(folder / "shards" / f"{name}.tar", "w") as shard:
            for number, place in enumerate(places):
                for ending, content in (
                    ("png", (folder / "films" / place).read_bytes()),
                    ("json", b'{"label": 1}'),
                ):
                    info = tarfile.TarInfo(f"{number:03d}.{ending}")
                    info.size = len(content)
                    shard.addfile(info, io.BytesIO(content))
    short = folder / "shards" / "two.tar"
    short.write_bytes(short.read_bytes()[:6000])
    return folder


def places(source: str) -> list[str]:
    """Of an input's units."""
    return [unit.place for unit in read_input(source).units]


def test_each_kind_of_input_has_places_relative_to_it(folder: Path) -> None:
    films = ["a/000.png", "a/002.png", "b/001.png", "b/003.png"]
    assert places(str(folder / "films")) == films
    assert places(f"{folder}/films/**/*.png") == films
    assert places(f"{folder}/films/b/*.png") == ["001.png", "003.png"]
    assert places(str(folder / "films" / "a" / "000.png")) == ["000.png"]
    manifest = read_input(str(folder / "manifest.csv")).units
    assert [(unit.place, unit.reference) for unit in manifest] == [
        ("films/a/000.png", "case 1"),
        ("films/b/001.png", None),
        ("films/none.png", "case 3"),
    ]


def test_the_images_of_shards_are_read_and_a_damaged_shard_costs_what_it_lost(folder: Path) -> None:
    units = read_input(str(folder / "shards" / "*.tar")).units
    one = [unit for unit in units if unit.place.startswith("one.tar/")]
    assert [unit.place for unit in one] == [f"one.tar/{number:03d}.png" for number in range(4)]
    image = open_unit(one[1], WANTED).images[0]
    film = open_unit(read_input(str(folder / "films" / "b" / "001.png")).units[0], WANTED).images[0]
    assert image.place == "one.tar/001.png"
    whole = load_radiograph(folder / "films" / "b" / "001.png")
    for one_way in (image.load(WANTED), film.load(WANTED)):
        assert np.array_equal(one_way.square, model_input(whole.pixels, WANTED.size)[0])
        assert (one_way.sha256, one_way.warnings) == (whole.sha256, whole.warnings)
    assert image.content is None and image.film is not None

    two = [open_unit(unit, WANTED) for unit in units if unit.place.startswith("two.tar")]
    faults = [fault.reason for opened in two for fault in opened.faults]
    assert any("no whole tar file" in reason or "ends within" in reason for reason in faults)
    assert len(two) < 5 + 1


def test_a_file_that_is_gone_costs_itself(folder: Path) -> None:
    last = read_input(str(folder / "manifest.csv")).units[2]
    (fault,) = open_unit(last, WANTED).faults
    assert fault.kind == "error" and "no such file" in fault.reason and fault.place == "films/none.png"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere", "There is no"),
        ("*.dcm", "holds no file"),
        ("empty", "holds no file"),
        ("bare.csv", 'no column "path"'),
        ("twice.csv", "named twice"),
        ("http://archive/dicom-web", "names no studies"),
        ("http://archive/dicom-web/studies?PatientName=Doe", "PatientName is not known"),
        ("http://archive/dicom-web/studies?StudyDate=today", "StudyDate is a day"),
    ],
)
def test_what_is_no_input_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("bare.csv").write_text("file\na.png\n")
    Path("twice.csv").write_text("path\na.png\na.png\n")
    with pytest.raises(PatchClipError, match=words):
        read_input(source)


def test_a_query_is_taken_from_its_address() -> None:
    query = query_of("https://me:pw@archive:8042/pacs/dicom-web/studies?StudyDate=20260101-20260131")
    assert query.url == "https://me:pw@archive:8042/pacs/dicom-web"
    assert (query.criteria.date, query.criteria.modality) == ("20260101-20260131", "")


def test_what_is_left_is_the_same_parts_whatever_was_done(folder: Path) -> None:
    units = read_input(str(folder / "films")).units * 1
    namer = Namer(b"k" * 32, places=False)
    whole = parts_of(units, namer, set(), 1)
    done = {namer.reference(unit.place) for unit in whole[2].units}
    left = parts_of(units, namer, done, 1)
    assert [part.name for part in left] == [part.name for part in whole if part is not whole[2]]
    assert parts_of(units, Namer(b"x" * 32, places=False), set(), 1)[0].name != whole[0].name


def test_no_more_is_under_way_than_is_allowed() -> None:
    """Back-pressure: results are made as they are taken, in order."""
    from concurrent.futures import ThreadPoolExecutor

    begun: list[int] = []

    def task(number: int) -> int:
        begun.append(number)
        return number

    with ThreadPoolExecutor(2) as pool:
        results = ahead((partial(task, number) for number in range(100)), pool, 3)
        taken = [next(results) for _ in range(5)]
        assert taken == [0, 1, 2, 3, 4] and len(begun) <= 5 + 3
        results.close()
