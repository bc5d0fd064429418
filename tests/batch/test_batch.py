"""The command batch in one process: what it writes, what a failure costs, and that nothing is done twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from patchclip import Engine, load_radiograph
from patchclip.__main__ import main
from patchclip.batch.output import Output
from patchclip.image import isolation
from patchclip.image.isolation import WorkerPool
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint
from patchclip.predict import record_of
from tests.batch.archives import checkpoint_of, films, rows_of

QUERIES = ["pleural effusion", "no pneumothorax", "left lower zone opacity", "telephone"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model."""
    return checkpoint_of(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six films, a damaged one, and a file that is none, under names of patients."""
    folder = tmp_path_factory.mktemp("archive")
    films(folder, 6)
    (folder / "DOE^JANE.png").write_bytes((folder / "a" / "000.png").read_bytes()[:300])
    (folder / "DOE^JANE.txt").write_text("a note")
    return folder


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with one query a line."""
    file = tmp_path_factory.mktemp("queries") / "queries.txt"
    file.write_text("\n".join([*QUERIES, "", QUERIES[0]]), encoding="utf-8-sig")
    return file


def run(source: Path | str, queries: Path, out: Path, checkpoint: Path, *flags: str) -> int:
    """The exit status."""
    fixed = ["--queries", str(queries), "--out", str(out), "--checkpoint", str(checkpoint)]
    return main(["batch", str(source), *fixed, "--part-size", "3", *flags])


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, archive: Path, queries: Path, checkpoint: Path) -> Path:
    """An output folder, with places and maps; tests read it and change nothing."""
    out = tmp_path_factory.mktemp("out") / "out"
    assert run(archive, queries, out, checkpoint, "--names", "place", "--maps") == 1  # one file is damaged
    return out


def test_rows_are_what_predict_prints(done: Path, archive: Path, checkpoint: Path) -> None:
    engine = Engine.from_pretrained(checkpoint)
    rows = rows_of(done)
    assert len(rows) == 6 * len(QUERIES)
    for place in ("a/000.png", "b/003.png"):
        record = record_of(engine, place, partial(load_radiograph, archive / place), QUERIES)
        written = [row for row in rows if row["image"] == place]
        assert [row["query"] for row in written] == QUERIES
        for row, entry in zip(written, record["queries"], strict=True):
            for name in ("finding", "negated", "assertion", "side", "place", "in_vocabulary", "warnings"):
                assert row[name] == entry[name], name
            assert row["probability"] == pytest.approx(entry["probability"], abs=1e-4)
            told = record["model"]["execution"]
            assert told["input_size"] == 64 and {name: row[name] for name in told} == told
            values = [value for line in entry["map"]["values"] for value in line]
            assert row["map"]["values"] == pytest.approx(values, abs=1e-4)
            assert len(row["regions"]) == len(entry["regions"])
            for region, expected in zip(row["regions"], entry["regions"], strict=True):
                assert region["score"] == pytest.approx(expected["score"], abs=1e-4)
                assert region["peak"] == pytest.approx(expected["peak"], abs=0.1)
            assert [row["height"], row["width"]] == record["size"] and row["model"] == engine.sha256
            assert row["image_warnings"] == record["warnings"]
    outside = [row for row in rows if row["query"] == "telephone"]
    assert all(row["probability"] is None and "far from" in row["warnings"][0] for row in outside)


def test_a_file_that_cannot_be_read_costs_one_row(done: Path) -> None:
    assert [(row["image"], row["kind"]) for row in rows_of(done / "errors")] == [
        ("DOE^JANE.png", "error"),
        ("DOE^JANE.txt", "left out"),
    ]
    assert all(row["error"].endswith(".") for row in rows_of(done / "errors"))


def test_a_second_run_adds_nothing_and_another_question_is_refused(
    done: Path,
    archive: Path,
    queries: Path,
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.rglob("*.parquet")}
    assert run(archive, queries, done, checkpoint, "--names", "place", "--maps") == 0
    assert json.loads(capsys.readouterr().out)["done_before"] == 8
    assert {path: path.stat().st_mtime_ns for path in done.rglob("*.parquet")} == before
    (tmp_path / "other.txt").write_text("mass")
    assert run(archive, tmp_path / "other.txt", done, checkpoint, "--names", "place", "--maps") == 1
    assert "begun with another queries" in capsys.readouterr().err


def test_how_the_model_is_computed_is_kept_with_the_rows(
    archive: Path, queries: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = load_checkpoint(checkpoint)
    calibration = replace(plain.calibration, mirror=True)
    save_checkpoint(tmp_path / "mirrored", plain.model, plain.vocabulary, calibration, plain.gates)
    film, out = archive / "a" / "000.png", tmp_path / "out"
    assert run(film, queries, out, tmp_path / "mirrored", "--no-mirror", "--names", "place") == 0
    assert Output(out).record().backend == "torch, fp32, without the mirror image"
    engine = Engine.from_pretrained(checkpoint)
    expected = engine.query(engine.encode(load_radiograph(film)), QUERIES[:1])[0]
    [row] = [row for row in rows_of(out) if row["query"] == QUERIES[0]]
    assert row["probability"] == pytest.approx(expected.probability, abs=1e-6)
    assert (row["backend"], row["precision"], row["mirror"]) == ("torch", "fp32", False)
    assert run(film, queries, out, tmp_path / "mirrored", "--names", "place") == 1
    assert "begun with another backend" in capsys.readouterr().err


def test_nothing_names_a_file_unless_it_is_asked_for_and_new_files_alone_are_added(
    archive: Path, queries: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reader is told the places on standard error; the folder holds keyed references."""
    source, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(archive, source)
    assert run(source, queries, out, checkpoint) == 1
    assert "DOE^JANE.png: error." in capsys.readouterr().err
    content = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    for word in (b"DOE", b"JANE", b"000.png", b"a/0"):
        assert word not in content
    first = rows_of(out)
    assert all(len(row["image"]) == 32 and len(row["sha256"]) == 64 for row in first)
    assert (out / "key").stat().st_mode & 0o077 == 0

    shutil.copy(source / "a" / "000.png", source / "again.png")
    assert run(source, queries, out, checkpoint) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 1
    rows = rows_of(out)
    assert len(rows) == len(first) + len(QUERIES)
    copies = {row["image"] for row in rows} - {row["image"] for row in first}
    assert len(copies) == 1
    pixels = {row["sha256"] for row in rows if row["image"] in copies}
    assert pixels <= {row["sha256"] for row in first}  # the same picture by another name


def test_a_decoder_that_aborts_costs_one_row(
    archive: Path, queries: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in"
    shutil.copytree(archive / "a", source)
    shutil.copy(source / "000.png", source / "aborts.png")
    pool = WorkerPool(size=2, module="tests.batch.aborting_worker")
    monkeypatch.setattr(isolation, "_pool", pool)
    try:
        out = tmp_path / "out"
        assert run(source, queries, out, checkpoint, "--names", "place", "--no-embeddings") == 1
    finally:
        pool.close()
    assert [row["image"] for row in rows_of(out / "errors")] == ["aborts.png"]
    assert "made its decoder fail" in rows_of(out / "errors")[0]["error"]
    assert {row["image"] for row in rows_of(out)} == {"000.png", "002.png", "004.png"}
    assert rows_of(out / "embeddings") == []

    monkeypatch.undo()  # it was the decoder's fault, which is mended
    assert run(source, queries, out, checkpoint, "--names", "place", "--no-embeddings", "--retry") == 0
    assert rows_of(out / "errors") == []
    assert len(rows_of(out)) == 4 * len(QUERIES)


def test_a_driver_that_is_killed_loses_nothing_and_does_nothing_twice(
    queries: Path, checkpoint: Path, tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    places = films(source, 30)  # each a part: enough to be caught at work
    flags = ["--queries", str(queries), "--out", str(out), "--checkpoint", str(checkpoint)]
    command = [sys.executable, "-m", "patchclip", "batch", str(source), *flags, "--names", "place"]
    process = subprocess.Popen(
        [*command, "--part-size", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        deadline = time.monotonic() + 500
        while not list((out / "ledger").glob("part-????????????????.json")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = len(Output(out).parts())
    assert 1 <= before < 30
    half = out / "part-0123456789abcdef.parquet"  # as if it was killed between two renames
    shutil.copy(next(out.glob("*.parquet")), half)

    assert run(source, queries, out, checkpoint, "--names", "place") == 0  # in parts of another size
    rows = rows_of(out)
    assert sorted(row["image"] for row in rows if row["query"] == QUERIES[0]) == sorted(places)
    assert len(rows) == len(places) * len(QUERIES)
    assert len(rows_of(out / "embeddings")) == len(places)
    assert not half.exists() and list((out / "work").iterdir()) == []


def test_two_batches_never_write_to_one_folder(
    archive: Path, queries: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Output(tmp_path / "out").locked():
        assert run(archive, queries, tmp_path / "out", checkpoint) == 1
    assert "Another batch is adding" in capsys.readouterr().err
