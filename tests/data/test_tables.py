"""Strict reading of tables: what programs and people write is read as meant, or named by file and row."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from patchclip.data import tables
from patchclip.data.tables import read_json, read_table
from patchclip.errors import DataError

COLUMNS = ("image", "labels", "sex")
PLAIN = "image,labels,sex\na.png,Effusion,F\nb.png,No Finding,M\n"
CELLS = [
    {"image": "a.png", "labels": "Effusion", "sex": "F"},
    {"image": "b.png", "labels": "No Finding", "sex": "M"},
]


def table(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", " , ").encode(),
        PLAIN.replace(",", ", ").replace("Effusion", '"Effusion"').encode(),
        PLAIN.replace("\n", "\n\n").encode(),
        PLAIN.replace("\nb", "\n,,\n  \nb").encode() + b"\n\n",
        PLAIN.replace("\n", ",\n").encode(),
        PLAIN.replace("sex", "\xa0sex\u200b").encode(),
    ],
)
def test_every_way_of_writing_gives_the_same_cells(tmp_path: Path, content: bytes) -> None:
    read = read_table(table(tmp_path / "t.csv", content), ("image",), COLUMNS)
    assert [dict(row.cells) for row in read.rows] == CELLS and read.columns == COLUMNS
    assert read.notes == ()


def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    content = b'image,labels,sex\n\na.png,"Effusion\n",F\n,,\nb.png,Mass,M\n'
    assert [row.number for row in read_table(table(tmp_path / "t.csv", content), ("image",)).rows] == [3, 5]


def test_windows_text_is_read_and_said(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", PLAIN.replace("a.png", "Müller.png").encode("cp1252"))
    read = read_table(path, ("image",))
    assert read.rows[0].cells["image"] == "Müller.png"
    assert read.notes == ("t.csv: it is not UTF-8, and was read as Windows-1252 text",)


def test_a_packed_table_is_read_and_one_beyond_the_limit_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path / "t.csv.gz", gzip.compress(PLAIN.encode()))
    assert [dict(row.cells) for row in read_table(path, ("image",)).rows] == CELLS
    monkeypatch.setattr(tables, "LARGEST", 2**20)
    with pytest.raises(DataError, match=r"t.csv.gz holds more than 1 MiB"):
        read_table(table(path, gzip.compress(b"x" * (2**20 + 1))), ("image",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n \n", "is empty"),
        (b"PK\x03\x04" + bytes(range(256)), "it is no text"),
        (b"image,labels\n\x81\xff,x\n", "it is no text"),  # a byte that Windows-1252 has no letter for
        (
            b"picture,labels\na.png,Mass\n",
            "no column image; its columns are picture, labels; write image, labels, sex",
        ),
        (b"image|labels\na.png|Mass\n", r"no column image; its columns are image\|labels"),
        (
            b"image,label\na.png,Mass\n",
            "unknown column label; remove it, or rename it to one of image, labels, sex",
        ),
        (b"image,labels,labels\na.png,Mass,\n", 'two columns "labels"'),
        (b"image,labels,\na.png,Mass,lost\n", 'row 2: "lost" stands in a column without a name'),
        (b"image,labels\n\na.png,Mass,Nodule\n", "row 3: it has 3 cells where the header has 2"),
        (b"image,labels\na.png\n", "row 2: it has 1 cells where the header has 2"),
        (b'image,labels\na.png,"Mass\nb.png,Nodule\n', r"row 2: .*quotation marks"),
        (b'image,labels\na.png,"Ma"ss\n', r"row 2: .*quotation marks"),
        (b"image,labels\na.png," + b"x" * 200_000 + b"\n", r"row 2: .*field larger than field limit"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as error:
        read_table(table(tmp_path / "t.csv", content), ("image",), COLUMNS)
    assert "t.csv" in str(error.value) and "\n" not in str(error.value)


def test_a_published_table_may_have_what_it_likes(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", b",image,x,\n0,a.png,1,\n1,b.png\n")
    assert [dict(row.cells) for row in read_table(path, ("image",)).rows] == [
        {"image": "a.png", "x": "1"},
        {"image": "b.png", "x": ""},
    ]


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "none"])
def test_a_path_that_is_no_file_is_a_sentence(tmp_path: Path, name: str) -> None:
    for read in (lambda path: read_table(path, ("image",)), lambda path: read_json(path, dict)):
        with pytest.raises(DataError, match="is missing") as error:
            read(tmp_path / name)
        assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a": ' * 200_000, "nested too deeply"),
        (b"{", "cannot be read as JSON"),
        (b"\xff\xfe\xff", "cannot be read as JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "cannot be read as JSON"),
        (b"[]", "outermost value is no dict"),
        (b"null", "outermost value is no dict"),
    ],
)
def test_json_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_json(table(tmp_path / "t.json", content), dict)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_in_any_unicode_is_read(tmp_path: Path, encoding: str) -> None:
    assert read_json(table(tmp_path / "t.json", '{"ü": 1}'.encode(encoding)), dict) == {"ü": 1}
