"""Studies made of folders and manifests, by command and by an administrator; what cannot be made says why."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import text

from app.people.identity import Role
from app.store import open_database
from app.study.cases import Place, Told, read_cases
from app.study.cli import main
from app.study.creations import Creation, Creations, Made
from app.study.errors import StudyError
from app.study.loading import study_data
from app.study.server import model_of
from app.study.sources import Wish, Workshop
from patchclip import PatchClipError, Radiograph
from patchclip.types import Box
from tests.app.study.conftest import FILMS, SECRET, SEQUENTIAL, Bench
from tests.app.study.reader_client import ReaderClient, ended, opinion_body, people_of, study_api
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
    places = {item.path: item.place for item in read.left_out}
    assert places == {"again.png": 7, "away.png": 8, "cut.png": 9, "notes.txt": 10}  # by name, after 0 to 5
    reasons = {item.path: item.reason for item in read.left_out}
    assert reasons["again.png"] == "It has the same pixels as file 1, which is a case already."
    assert not any(name in reason for reason in reasons.values() for name in places)


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
    read = read_cases(path, VOCABULARY, Told(boxes=boxes))
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
    (chest / "notes.txt").write_text(SECRET)
    manifest(chest, tmp_path / "truth.csv", ["path,truth_Effusion", "0.png,1", "1.png,0"])
    manifest(chest, tmp_path / "boxes.csv", ["path,finding,x,y,w,h", "0.png,Effusion,1,2,3,4"])
    manifest(chest, tmp_path / "wrong.csv", ["path,truth_Effusion", f"{SECRET}.png,1"])
    choices = admin.call("study_choices")
    assert "chest" in choices["folders"] and choices["archive"] is False
    assert choices["tables"] == ["boxes.csv", "truth.csv", "wrong.csv"]
    body = {"name": "page", "folder": "chest", "protocol": SEQUENTIAL, "readers": ["anna"]}
    body |= {"truth": "truth.csv", "boxes": "boxes.csv"}
    for change, words in (
        ({"folder": "../.."}, "no such folder"),
        ({"folder": "/etc"}, "no such folder"),
        ({"protocol": "x ="}, "no TOML"),
        ({"readers": []}, "one reader"),
        ({"truth": "../truth.csv"}, "no such folder or table"),
        ({"folder": "DICOMWEB:1.2.3"}, "No archive is set"),
    ):
        assert words in admin.call("study_create", **(body | change))["error"]
    wrong = ended(admin, admin.call("study_create", **(body | {"truth": "wrong.csv"}))["creation"])
    assert (wrong["state"], wrong["study"]) == ("failed", None)
    assert wrong["error"].startswith("wrong.csv, row 2 tells of a file that is no case")
    made = ended(admin, admin.call("study_create", **body)["creation"])
    assert (made["state"], made["cases"], made["error"]) == ("made", FILMS, "")
    assert [item["place"] for item in made["left_out"]] == [FILMS + 1]
    assert "already" in admin.call("study_create", **body)["error"]
    admin.call("study_creation_end", creation=made["creation"])
    assert [item["name"] for item in admin.call("study_creations")["creations"]] == ["page"]
    assert "not being made any more" in admin.call("study_creation_end", creation=99)["error"]
    truth = {(told.present, told.boxes) for told in study_data(bench.database, made["study"]).truths}
    assert truth == {(True, (Box(1, 2, 3, 4),)), (False, ())}
    bench.make_ready()
    cases = admin.call("study_cases", study=made["study"])["cases"]
    assert [case["case"] for case in cases] == list(range(1, FILMS + 1))
    assert all(case["ready"] and case["size"] == [96, 96] and case["readings"] == 0 for case in cases)
    assert SECRET.encode() not in admin.received


def test_a_creation_that_is_stopped_leaves_nothing(
    bench: Bench, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = Event(), Event()

    def slow(place: Place, folder: Path) -> Radiograph:
        begun.set()
        assert go_on.wait(20)
        return load(place, folder)

    load = Place.load
    monkeypatch.setattr(Place, "load", slow)
    workshop = Workshop(bench.studies, lambda: model_of(bench.engine), None, bench.folder)
    wish = Wish("small", SEQUENTIAL, ["anna"], films, Told())

    def make(creation: Creation) -> Made:
        study, cases = workshop.make(wish, creation)
        return Made(study, len(cases.cases))

    creations = Creations()
    first, second = creations.begin("small", make), creations.begin("next", make)
    assert begun.wait(20)
    states = [(item.name, item.state) for item in creations.all()]
    assert states == [("small", "reading"), ("next", "waiting")] or states[0][1] == "listing"
    with pytest.raises(StudyError, match="being made already"):
        creations.begin("small", make)
    creations.end(first)
    creations.end(second)
    go_on.set()
    creations.close()
    assert [item.state for item in creations.all()] == ["stopped", "stopped"]
    assert "nothing of it is stored" in creations.all()[0].error
    with bench.database.connect() as connection:
        for table in ("study", "reader", "study_case"):
            rows = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
            assert rows == (0 if table == "study_case" else 1)
    monkeypatch.undo()
    assert workshop.make(wish)[0] == 2  # the name is free


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
    assert main(["open-again", "small", *where]) == 0
    assert main(["list", *where]) == 0
    assert capsys.readouterr().out.endswith("0 readings\topen\n")
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
