"""Studies made of folders and manifests, by command and by an administrator; what cannot be made says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from app.people.identity import Role
from app.store import open_database
from app.study.cases import read_cases
from app.study.cli import main
from app.study.errors import StudyError
from app.study.loading import study_data
from patchclip import PatchClipError
from patchclip.types import Box
from tests.app.study.conftest import FILMS, SECRET, SEQUENTIAL, Bench
from tests.app.study.reader_client import ReaderClient, opinion_body, people_of, study_api
from tests.tiny import VOCABULARY, tiny_checkpoint


def manifest(films: Path, path: Path, lines: list[str]) -> Path:
    """A manifest beside films."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def names(films: Path) -> list[str]:
    """Paths of the films from their folder."""
    return sorted(film.relative_to(films).as_posix() for film in films.rglob("*.png"))


def test_a_folder_gives_all_films_once_and_says_what_it_leaves_out(films: Path, tmp_path: Path) -> None:
    copy = tmp_path / "films"
    copy.mkdir()
    for number, film in enumerate(sorted(films.rglob("*.png"))):
        (copy / f"{number}.png").write_bytes(film.read_bytes())
    (copy / "again.png").write_bytes((copy / "0.png").read_bytes())
    (copy / "notes.txt").write_text("no film")
    (copy / "cut.png").write_bytes((copy / "0.png").read_bytes()[:200])
    (copy / "away.png").symlink_to(films / names(films)[0])
    read = read_cases(copy, VOCABULARY)
    assert sorted(case.place.path for case in read.cases) == [f"{number}.png" for number in range(FILMS)]
    assert {item.name for item in read.left_out} == {"again.png", "notes.txt", "cut.png", "away.png"}
    assert next(item for item in read.left_out if item.name == "again.png").reason.startswith(
        "It has the same"
    )


def test_a_manifest_tells_truth_and_boxes(films: Path, tmp_path: Path) -> None:
    listed = names(films)[:3]
    path = manifest(
        films,
        films / "told.csv",
        [
            "path,truth_Effusion,truth_pleural thickening",
            f"{listed[0]},1,0",
            f"{listed[1]},0,",
            f"{listed[2]},,",
        ],
    )
    boxes = manifest(films, tmp_path / "boxes.csv", ["path,finding,x,y,w,h", f"{listed[0]},Effusion,1,2,3,4"])
    read = read_cases(path, VOCABULARY, boxes)
    path.unlink()
    assert [case.place.path for case in read.cases] == listed
    truth = read.cases[0].truth
    assert truth["Effusion"].boxes == (Box(1, 2, 3, 4),)
    assert (truth["Effusion"].present, truth["Pleural_Thickening"].present) == (True, False)
    assert [dict(case.truth) != {} for case in read.cases] == [True, True, False]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["file", "a.png"], "no column path"),
        (["path,truth_Banana", "a.png,1"], "truth_Banana"),
        (["path,truth_Effusion", "a.png,yes"], "1, 0 or blank"),
        (["path,truth_Effusion,truth_pleural effusion", "a.png,1,1"], "two columns"),
        (["path", "../a.png"], "does not lie below"),
        (["path", "/etc/passwd"], "does not lie below"),
        (["path", "missing.png"], "row 2"),
        (["path", ""], "no film"),
        (["path", "a.png", "b.png"], "same pixels as row 2"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(
    films: Path, tmp_path: Path, lines: list[str], words: str
) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes((films / names(films)[0]).read_bytes())
    path = manifest(tmp_path, tmp_path / "cases.csv", lines)
    with pytest.raises(PatchClipError, match=words):
        read_cases(path, VOCABULARY)


def test_a_study_is_stored_whole_or_not_at_all(bench: Bench, films: Path) -> None:
    bench.make(films, SEQUENTIAL, ("anna",))
    with pytest.raises(StudyError, match="already"):
        bench.make(films, SEQUENTIAL, ("anna", "carl"))
    for readers, words in (((), "one reader"), (("anna", " anna"), "twice"), (("a" * 81,), "80")):
        with pytest.raises(StudyError, match=words):
            bench.make(films, SEQUENTIAL, readers, "other")
    with bench.database.connect() as connection:
        assert connection.execute(text("SELECT name FROM study ORDER BY id")).scalars().all() == [
            "free reading",
            "small",
        ]
        assert connection.execute(text("SELECT name FROM reader ORDER BY id")).scalars().all() == [
            "reader",
            "anna",
        ]
        assert connection.execute(text("SELECT count(*) FROM assignment")).scalar() == FILMS


def test_an_administrator_makes_a_study_in_the_page(bench: Bench, films: Path, tmp_path: Path) -> None:
    chest = tmp_path / "chest"
    chest.mkdir()
    for number, name in enumerate(names(films)):
        (chest / f"{number}.png").write_bytes((films / name).read_bytes())
    people = people_of(bench, reader=Role.ADMIN)
    admin = ReaderClient(study_api(bench, tmp_path, people), "reader")
    assert "chest" in admin.call("study_choices")["folders"]
    body = {"name": "page", "folder": "chest", "protocol": SEQUENTIAL, "readers": ["anna"]}
    for change, words in (
        ({"folder": "../.."}, "no such folder"),
        ({"folder": "/etc"}, "no such folder"),
        ({"protocol": "x ="}, "no TOML"),
        ({"readers": []}, "one reader"),
    ):
        assert words in admin.call("study_create", **(body | change))["error"]
    made = admin.call("study_create", **body)
    assert (made["cases"], made["left_out"]) == (FILMS, [])
    bench.make_ready()
    cases = admin.call("study_cases", study=made["study"])["cases"]
    assert [case["case"] for case in cases] == list(range(1, FILMS + 1))
    assert all(case["ready"] and case["size"] == [96, 96] and case["readings"] == 0 for case in cases)
    assert SECRET.encode() not in admin.received


def test_commands_make_list_and_close_a_study(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    protocol = tmp_path / "protocol.toml"
    protocol.write_text(SEQUENTIAL, encoding="utf-8")
    where = ["--database", str(tmp_path / "db.sqlite3"), "--study-folder", str(tmp_path / "kept")]
    create = ["create", "small", "--cases", str(films), "--protocol", str(protocol), "--readers", "anna, ben"]
    assert main([*create, "--checkpoint", str(tiny_checkpoint(tmp_path / "tiny")), *where]) == 0
    assert "6 cases for 2 readers" in capsys.readouterr().out
    assert main(["list", *where]) == 0
    assert capsys.readouterr().out == "small\t6 cases\t2 readers\t0 readings\topen\n"
    assert main(["case-list", "small", *where]) == 0
    listed = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in listed] == [str(number) for number in range(1, FILMS + 1)]
    assert sorted(line[1] for line in listed) == names(films)
    assert [line[2] for line in listed] == ["waits"] * FILMS
    assert main(["close", "small", *where]) == 0
    capsys.readouterr()
    assert main(["list", *where]) == 0
    assert "\tclosed 2" in capsys.readouterr().out
    with pytest.raises(StudyError, match='no study "big"'):
        main(["close", "big", *where])
    database = open_database(tmp_path / "db.sqlite3")
    assert study_data(database, 2).readers == ("anna", "ben")
    database.dispose()


def test_the_flat_records_hold_what_was_said(bench: Bench, films: Path, tmp_path: Path) -> None:
    path = manifest(films, films / "one.csv", ["path,truth_Effusion", f"{names(films)[0]},1"])
    study = bench.make(path, SEQUENTIAL, ("ben", "anna"))
    path.unlink()
    bench.make_ready()
    api = study_api(bench, tmp_path, people_of(bench))
    for name in ("ben", "anna"):
        client = ReaderClient(api, name)
        assignment = client.call("study_worklist", study=study)["next"]
        client.save(assignment, comment="not this one")
        client.save(assignment)
        if name == "anna":
            client.call("study_answers", assignment=assignment)
            body = opinion_body(assignment, "second")
            body["findings"][0]["maps"] = {"A": "correct", "B": "wrong"}
            client.call("study_save", **body)
    data = study_data(bench.database, study)
    assert (data.name, data.readers, data.assigned) == (
        "small",
        ("ben", "anna"),
        {("anna", "sequential"): 1, ("ben", "sequential"): 1},
    )
    assert data.protocol["findings"] == ["Effusion", "Pleural_Thickening"]
    assert (data.model_name, data.model_sha256) == (bench.engine.name, bench.engine.sha256)
    assert [(mark.reader, mark.opinion, mark.finding, mark.score) for mark in data.marks] == [
        ("ben", "first", "Effusion", 85.0),
        ("ben", "first", "Pleural_Thickening", 0.0),
        ("anna", "first", "Effusion", 85.0),
        ("anna", "first", "Pleural_Thickening", 0.0),
        ("anna", "second", "Effusion", 85.0),
        ("anna", "second", "Pleural_Thickening", 0.0),
    ]
    with bench.database.connect() as connection:
        pairs = connection.exec_driver_sql(
            "SELECT j.key, j.value FROM assignment, json_each(assignment.maps) AS j WHERE reader_id = "
            "(SELECT id FROM reader WHERE name = 'anna')"
        ).all()
    maps = {str(name): str(method) for name, method in pairs}
    assert dict(data.marks[4].verdicts) == {maps["A"]: "correct", maps["B"]: "wrong"}
    assert (data.marks[0].boxes, data.marks[0].seconds) == ((Box(10, 20, 30, 40),), 4.2)
    assert [(truth.case, truth.finding, truth.present) for truth in data.truths] == [(1, "Effusion", True)]
    assert [answer.finding for answer in data.answers] == ["Effusion", "Pleural_Thickening"]
    assert set(data.answers[0].regions) == {"patch", "grad_cam"}
    assert data.unreadable == ()
