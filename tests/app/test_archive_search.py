"""What the page of the archive search shows of stored embeddings, and which films it can open."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from app.archive_search.desk import HEADINGS, HitsShown, SearchDesk, Wanted, search_desk
from app.archive_search.films import HitFilms
from app.models.in_use import InUse
from app.models.shelf import Shelf
from app.requests import HitRequest
from app.settings import UsageError, read_settings
from patchclip import Engine, PatchClipError, QueryError
from patchclip.__main__ import main
from patchclip.batch.names import Namer, read_key
from patchclip.errors import DataError
from tests.app.own_loop import in_own_loop
from tests.batch.archives import films, rows_of
from tests.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, four films, and what a batch made of them, under references."""
    folder = tmp_path_factory.mktemp("archive")
    tiny_checkpoint(folder / "model")
    films(folder / "films", 4)
    (folder / "queries.txt").write_text("pleural effusion")
    flags = ["--queries", str(folder / "queries.txt"), "--checkpoint", str(folder / "model")]
    assert main(["batch", str(folder / "films"), *flags, "--out", str(folder / "out")]) == 0
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    """Of that model."""
    return Engine.from_pretrained(folder / "model", device="cpu")


@pytest.fixture
def shelf(folder: Path, engine: Engine) -> Shelf:
    """That model answers; others lie in a folder."""
    return Shelf(InUse(engine), folder / "model", folder / "models")


@pytest.fixture
def desk(folder: Path, shelf: Shelf) -> SearchDesk:
    """With the films within reach."""
    return search_desk(read_settings(["--search-films", str(folder / "films")]), shelf, folder / "out")


def test_hits_are_listed_shown_and_their_films_given(desk: SearchDesk, folder: Path, engine: Engine) -> None:
    shown = in_own_loop(desk.find(Wanted("no mass, large", side="left", count=3)))
    assert len(shown.rows) == len(shown.tokens) == 3
    rows = [dict(zip(HEADINGS, row, strict=True)) for row in shown.rows]
    assert [row["hit"] for row in rows] == [1, 2, 3]
    assert [row["probability"] for row in rows] == sorted((row["probability"] for row in rows), reverse=True)
    assert all(row["finding"] == "no lung mass" and row["place"] == "left" for row in rows)
    for row in rows:
        assert row["called"] == ("present" if 1 - float(row["probability"]) >= 0.5 else "absent")
    assert "large" in shown.note and "4 of 4 images scanned" in shown.note

    told = in_own_loop(desk.show(shown.tokens[0]))
    assert f"](/#hit={shown.tokens[0]}&ask=" in told.words and "96 x 96 pixels" in told.words
    heatmap = told.plot.data[0]
    assert (heatmap.zmin, heatmap.zmax) == (0, 1) and np.asarray(heatmap.z).shape == (4, 4)
    content = in_own_loop(desk.film("window", HitRequest(hit=shown.tokens[0])))
    assert content in {path.read_bytes() for path in (folder / "films").rglob("*.png")}


def hits_of(shown: HitsShown) -> list[tuple[object, object]]:
    """Probabilities and what they are called, in order."""
    return [(row[1], row[2]) for row in shown.rows]


def test_the_model_that_made_the_archive_answers_whichever_is_chosen_and_that_is_said(
    desk: SearchDesk, shelf: Shelf, engine: Engine, folder: Path
) -> None:
    """In use, chosen while the server runs, or at its start: the same hits; the other's would be others."""
    other = Engine.from_pretrained(tiny_checkpoint(folder / "models" / "other", seed=1), device="cpu")
    wanted = Wanted("pleural effusion")
    before = in_own_loop(desk.find(wanted))
    assert "The archive was read by" not in before.note
    shelf.use(other.sha256)
    after = in_own_loop(desk.find(wanted))
    assert hits_of(after) == hits_of(before)
    words = f"({engine.sha256[:12]}), which answers here; the viewer answers with {other.name} "
    assert words in after.note and other.sha256[:12] in after.note
    assert words in in_own_loop(desk.show(before.tokens[0])).words  # of a hit from before, too

    begun_with_other = Shelf(InUse(other), folder / "model", folder / "models")
    later = search_desk(read_settings([]), begun_with_other, folder / "out")
    assert hits_of(in_own_loop(later.find(wanted))) == hits_of(before)
    lost = Shelf(InUse(other), folder / "models" / "other")
    with pytest.raises(DataError, match="another model than this server has"):
        search_desk(read_settings([]), lost, folder / "out")


def test_a_folder_that_another_model_makes_anew_is_answered_by_that_one(
    folder: Path, shelf: Shelf, tmp_path: Path
) -> None:
    """While the server runs; and the old index is no index of it."""
    shutil.copytree(folder / "out", tmp_path / "out")
    desk = search_desk(read_settings([]), shelf, tmp_path / "out")
    assert len(in_own_loop(desk.find(Wanted("pleural effusion"))).rows) == 4
    checkpoint = tiny_checkpoint(folder / "models" / "other", seed=1)
    for path in (tmp_path / "out").rglob("*"):  # as somebody would who keeps the key
        if path.is_file() and path.name not in ("key", "facts.bin", "facts.json"):
            path.unlink()
    flags = ["--queries", str(folder / "queries.txt"), "--checkpoint", str(checkpoint)]
    assert main(["batch", str(folder / "films"), *flags, "--out", str(tmp_path / "out")]) == 0
    shown = in_own_loop(desk.find(Wanted("pleural effusion")))
    expected = sorted((row["probability"] for row in rows_of(tmp_path / "out")), reverse=True)
    assert [row[1] for row in shown.rows] == pytest.approx(expected, abs=0.01)
    assert "The archive was read by" in shown.note


def test_refusals_are_sentences(desk: SearchDesk) -> None:
    with pytest.raises(QueryError, match="far from what this model has learnt"):
        in_own_loop(desk.find(Wanted("telephone")))
    with pytest.raises(PatchClipError, match="is no day"):
        in_own_loop(desk.find(Wanted("mass", since="yesterday")))
    with pytest.raises(PatchClipError, match="search again"):
        in_own_loop(desk.film("window", HitRequest(hit="unknown")))


def test_films_are_found_by_the_key_alone(folder: Path) -> None:
    right = Namer(read_key(folder / "out", None), places=False)
    reachable = HitFilms(folder / "films", right)
    assert reachable.has(right.reference("a/000.png")) and not reachable.has("a/000.png")
    assert not HitFilms(folder / "films", Namer(b"0" * 32, places=False)).has(right.reference("a/000.png"))
    nowhere = HitFilms(None, right)
    assert not nowhere.has(right.reference("a/000.png"))
    with pytest.raises(PatchClipError, match="not within reach"):
        nowhere.content(right.reference("a/000.png"))


def test_what_cannot_be_searched_is_said_at_the_start(folder: Path, shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no output of patchclip batch"):
        search_desk(read_settings([]), shelf, tmp_path)
    with pytest.raises(UsageError, match="same --prior"):
        search_desk(read_settings(["--prior", "Mass=0.1"]), shelf, folder / "out")
