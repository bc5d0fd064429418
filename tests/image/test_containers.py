"""Folders, archives, discs, files of several frames: images are found, all else is named or refused."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import zipfile
from pathlib import Path
from unittest import mock

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from patchclip import RadiographError, load_radiograph
from patchclip.image import archives, containers
from patchclip.image.containers import list_images, load_entry
from patchclip.image.limits import MOST_INFLATED
from patchclip.image.listing import HEAD, MOST_FRAMES, ImageEntry
from tests.image.dicoms import CHEST, content, dicom

SMALL = np.round(CHEST[:280, :300] * 4000).astype(np.uint16)
DICOM = content(dicom(SMALL))
MIRRORED = content(dicom(np.ascontiguousarray(SMALL[:, ::-1])))
PDF = b"%PDF-1.7\n" + bytes(2000)


def png(pixels: np.ndarray) -> bytes:
    """8-bit grey."""
    out = io.BytesIO()
    Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def frames(count: int) -> bytes:
    """A DICOM whose every frame is another."""
    values = np.stack([np.roll(SMALL, 40 * number, axis=1) for number in range(count)])
    dataset = dicom(SMALL, NumberOfFrames=str(count))
    dataset.PixelData = values.tobytes()
    return content(dataset)


def no_image(sop_class: str) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID("2.25.7")
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, "2.25.7"
    dataset.PatientName = "DOE^JANE"
    return content(dataset)


REPORT = no_image("1.2.840.10008.5.1.4.1.1.88.11")


def disc(folder: Path, names: list[list[str]]) -> Path:
    """Writes a DICOMDIR that names these files."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    meta.MediaStorageSOPInstanceUID = UID("2.25.8")
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    records = []
    for name in names:
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", name
        records.append(record)
    patient = Dataset()
    patient.DirectoryRecordType, patient.PatientName = "PATIENT", "DOE^JANE"
    dataset.DirectoryRecordSequence = pydicom.Sequence([patient, *records])
    path = folder / "DICOMDIR"
    path.write_bytes(content(dataset))
    return path


def test_a_file_with_one_image_is_one_entry_under_its_own_name(tmp_path: Path) -> None:
    for name, data in (("a.dcm", DICOM), ("b.png", png(CHEST)), ("c.pdf", PDF), ("d.dcm", DICOM[:300])):
        path = tmp_path / name
        path.write_bytes(data)
        listing = list_images(path)
        assert listing.entries == (ImageEntry(str(path), str(path)),) and not listing.left_out


@pytest.mark.parametrize("isolated", [False, True])
def test_a_folder_gives_its_images_in_order_and_names_the_rest(tmp_path: Path, isolated: bool) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name, data in {
        "b/1.dcm": MIRRORED,
        "a.dcm": DICOM,
        "c.png": png(CHEST),
        "report.pdf": PDF,
        "sr.dcm": REPORT,
        "readme.txt": b"hello",
        ".hidden/x.dcm": DICOM,
        ".DS_Store": b"\0",
        "DICOMDIR": b"\0",
        "cut.dcm": DICOM[:200],
    }.items():
        (tmp_path / name).write_bytes(data)
    listing = list_images(tmp_path, isolated=isolated)
    names = [str(Path(entry.name).relative_to(tmp_path)) for entry in listing.entries]
    assert names == ["a.dcm", "c.png", "cut.dcm", "b/1.dcm"]
    reasons = {Path(item.name).name: item.reason for item in listing.left_out}
    assert set(reasons) == {"report.pdf", "sr.dcm", "readme.txt"}
    assert "PDF document" in reasons["report.pdf"] and "a report" in reasons["sr.dcm"]
    assert "DOE" not in str(listing)
    first, last = (load_entry(listing.entries[place], isolated=isolated) for place in (0, 3))
    assert first.sha256 == load_radiograph(DICOM).sha256 and last.sha256 == load_radiograph(MIRRORED).sha256
    with pytest.raises(RadiographError, match="export"):
        load_entry(listing.entries[2], isolated=isolated)


@pytest.mark.parametrize("from_bytes", [False, True])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_an_archive_gives_its_images(tmp_path: Path, from_bytes: bool, compression: int) -> None:
    data = zipped(
        {
            "disc/IM2": MIRRORED,
            "disc/IM1": DICOM,
            "disc/DICOMDIR": no_image("1.2.840.10008.1.3.10"),
            "disc/viewer.exe": b"MZ" + bytes(100),
            "__MACOSX/disc/._IM1": b"\0\5\x16\7",
            "inner.zip": zipped({"a.dcm": DICOM}),
            "film.dcm": frames(3),
        },
        compression,
    )
    path = tmp_path / "study.zip"
    path.write_bytes(data)
    source = data if from_bytes else path
    listing = list_images(source)
    prefix = "" if from_bytes else f"{path}/"
    assert [entry.name for entry in listing.entries] == [
        f"{prefix}{name}" for name in ("disc/IM1", "disc/IM2", "film.dcm#1", "film.dcm#2", "film.dcm#3")
    ]
    assert [item.name.removeprefix(prefix) for item in listing.left_out] == [
        "disc/DICOMDIR",
        "disc/viewer.exe",
        "inner.zip",
    ]
    loaded = [load_entry(entry, data if from_bytes else None) for entry in listing.entries]
    assert loaded[0].sha256 == load_radiograph(DICOM).sha256
    assert loaded[1].sha256 == load_radiograph(MIRRORED).sha256
    assert len({image.sha256 for image in loaded[2:]}) == 3
    assert loaded[2].sha256 == load_radiograph(DICOM).sha256


def test_isolated_listing_of_bytes_is_the_same() -> None:
    data = zipped({"a.dcm": DICOM, "b.pdf": PDF})
    assert list_images(data, isolated=True) == list_images(data)
    (entry,) = list_images(data).entries
    assert load_entry(entry, data, isolated=True).sha256 == load_radiograph(DICOM).sha256


@pytest.mark.parametrize("frame", [None, 0, 2])
def test_frames_are_told_apart(frame: int | None) -> None:
    read = load_radiograph(frames(3), frame=frame)
    expected = load_radiograph(content(dicom(np.roll(SMALL, 40 * (frame or 0), axis=1))))
    assert read.sha256 == expected.sha256
    assert any("3 frames; the first" in warning for warning in read.warnings) is (frame is None)


def test_a_frame_that_is_not_there_is_refused() -> None:
    with pytest.raises(RadiographError, match="holds 3 frames and no number 4"):
        load_radiograph(frames(3), frame=3)


def test_more_frames_than_anyone_reads_are_said() -> None:
    dataset = dicom(SMALL, NumberOfFrames="2000000000")
    listing = list_images(content(dataset))
    assert len(listing.entries) == MOST_FRAMES
    assert "Of 2000000000 frames the first 1000" in listing.left_out[0].reason
    with pytest.raises(RadiographError, match="cut short"):
        load_entry(listing.entries[0], content(dataset))


def test_pages_of_a_tiff_are_told_apart() -> None:
    out = io.BytesIO()
    pages = [Image.fromarray(np.round(picture * 255).astype(np.uint8)) for picture in (CHEST, CHEST[:, ::-1])]
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
    listing = list_images(out.getvalue())
    assert [entry.name for entry in listing.entries] == ["#1", "#2"]
    first, second = (load_entry(entry, out.getvalue()) for entry in listing.entries)
    np.testing.assert_array_equal(first.pixels, second.pixels[:, ::-1])
    assert any("2 pages; the first" in warning for warning in load_radiograph(out.getvalue()).warnings)
    with pytest.raises(RadiographError, match="holds 2 pages and no number 3"):
        load_radiograph(out.getvalue(), frame=2)


def test_gzip_is_seen_through(tmp_path: Path) -> None:
    path = tmp_path / "image.dcm.gz"
    path.write_bytes(gzip.compress(frames(2)))
    listing = list_images(path)
    assert [entry.name for entry in listing.entries] == [f"{path}#1", f"{path}#2"]
    assert load_entry(listing.entries[0]).sha256 == load_radiograph(DICOM).sha256
    assert load_radiograph(gzip.compress(DICOM)).sha256 == load_radiograph(DICOM).sha256
    for broken in (gzip.compress(DICOM)[:-500], gzip.compress(DICOM)[:40] + bytes(300)):
        with pytest.raises(RadiographError, match="gzip file is damaged or cut short; export it again"):
            load_radiograph(broken)


@pytest.mark.parametrize("isolated", [False, True])
def test_a_gzip_bomb_is_refused(isolated: bool) -> None:
    """A quarter of a megabyte that grows a thousandfold."""
    bomb = gzip.compress(DICOM[:132] + bytes(MOST_INFLATED + 1), compresslevel=9)
    assert len(bomb) < 400_000
    with pytest.raises(RadiographError, match=r"grows beyond 256 MB.*open the radiograph itself"):
        load_radiograph(bomb, isolated=isolated)


def test_a_disc_gives_the_files_that_its_dicomdir_names(tmp_path: Path) -> None:
    """Whatever the case of their names, and none that lies elsewhere."""
    root = tmp_path / "disc"
    (root / "images").mkdir(parents=True)
    (tmp_path / "outside.dcm").write_bytes(DICOM)
    (root / "images" / "im1").write_bytes(DICOM)
    (root / "images" / "IM2").write_bytes(REPORT)
    (root / "images" / "IM3").symlink_to(tmp_path / "outside.dcm")
    names = [
        ["IMAGES", "IM1"],
        ["IMAGES", "IM2"],
        ["IMAGES", "IM3"],
        ["..", "outside.dcm"],
        ["IMAGES", "NONE"],
    ]
    listing = list_images(disc(root, names))
    assert [entry.name for entry in listing.entries] == [str(root / "IMAGES" / "IM1")]
    assert load_entry(listing.entries[0]).sha256 == load_radiograph(DICOM).sha256
    reasons = [item.reason for item in listing.left_out]
    assert "a report" in reasons[0] and len(reasons) == 4
    assert all("disc does not hold it" in reason for reason in reasons[1:])


def test_a_dicomdir_alone_says_what_it_is(tmp_path: Path) -> None:
    data = disc(tmp_path, [["IM1"]]).read_bytes()
    for call in (list_images, load_radiograph):
        with pytest.raises(RadiographError, match=r"DICOMDIR, the contents of a disc.*ZIP of it"):
            call(data)


@pytest.mark.parametrize(
    "name", ["../x.dcm", "a/../../x.dcm", "/etc/x.dcm", "C:\\x.dcm", "..\\x.dcm", "\\\\host\\share\\x.dcm"]
)
@pytest.mark.parametrize("isolated", [False, True])
def test_names_that_lead_out_of_an_archive_are_refused(name: str, isolated: bool) -> None:
    with pytest.raises(RadiographError, match="leads out of it, which is made to do harm"):
        list_images(zipped({"good.dcm": DICOM, name: DICOM}), isolated=isolated)


def test_links_in_an_archive_are_not_followed() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link.dcm")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("good.dcm", DICOM)
    assert [entry.name for entry in list_images(out.getvalue()).entries] == ["good.dcm"]


def test_an_archive_that_grows_beyond_measure_is_refused() -> None:
    """Its own table says how far, whether or not its files overlap; so does the number of files."""
    many = zipped({f"{number}.dcm": b"" for number in range(archives.MOST_MEMBERS + 1)})
    with pytest.raises(RadiographError, match="holds 5001 files, more than 5000"):
        list_images(many)
    data = bytearray(zipped({f"{number}.dcm": DICOM for number in range(8)}))
    position = 0
    while (position := data.find(b"PK\x01\x02", position + 1)) > 0:
        struct.pack_into("<I", data, position + 24, 2**30)  # the uncompressed size in the table
    with pytest.raises(RadiographError, match="unpack to more than 4 GB"):
        list_images(bytes(data))


def test_a_member_that_grows_beyond_measure_is_refused_when_it_is_opened() -> None:
    data = zipped({"bomb.dcm": DICOM[:400] + bytes(MOST_INFLATED)})
    assert len(data) < 500_000
    (entry,) = list_images(data).entries
    with pytest.raises(RadiographError, match="grows beyond 256 MB"):
        load_entry(entry, data)


def test_an_encrypted_archive_is_refused() -> None:
    data = bytearray(zipped({"a.dcm": DICOM}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = data.find(mark)
        data[position + place] |= 1
    with pytest.raises(RadiographError, match="encrypted; unpack it with its password"):
        list_images(bytes(data))


def test_damaged_archives_are_refused_in_words() -> None:
    whole = zipped({"a.dcm": DICOM, "b.dcm": MIRRORED})
    for broken in (whole[: len(whole) // 2], b"PK\x03\x04" + bytes(500), whole[:-10]):
        with pytest.raises(RadiographError, match="ZIP archive is damaged or cut short"):
            list_images(broken)
    flipped = bytearray(whole)
    flipped[60:90] = bytes(30)
    listing = list_images(bytes(flipped))
    assert [entry.name for entry in listing.entries] == ["b.dcm"]
    assert "damaged" in listing.left_out[0].reason


def test_a_container_without_an_image_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(RadiographError, match=r"It holds no image, but 1 other files.*PDF document"):
        list_images(zipped({"report.pdf": PDF}))
    with pytest.raises(RadiographError, match="It holds no image, but 0 other files"):
        list_images(tmp_path)
    with pytest.raises(RadiographError, match="no such file"):
        list_images(tmp_path / "absent")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PDF, "PDF document.*export the radiograph itself"),
        (zipped({"a.dcm": DICOM}), "ZIP archive; open the images in it"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(600), "7z archive"),
        (b"GIF89a" + bytes(600), "GIF picture"),
        (b"\0\0\0\x18ftypheic" + bytes(600), "film or an HEIC"),
        (b" \n<!DOCTYPE html><html>" + bytes(600), "web page"),
        (bytes(344) + b"n+1\0" + bytes(600), "NIfTI"),
        (bytes(257) + b"ustar" + bytes(600), "tar archive"),
        (REPORT, "holds no image but a report"),
        (no_image("1.2.840.10008.5.1.4.1.1.11.1"), "presentation state"),
        (no_image("1.2.840.10008.5.1.4.1.1.104.1"), "but a document"),
        (no_image("1.2.840.10008.5.1.4.1.1.9.1.1"), "waveform"),
        (no_image("1.2.840.10008.5.1.4.1.1.66"), "but raw data or a registration"),
        (no_image("1.2.840.10008.5.1.4.1.1.77.9"), "holds no image, or is cut short"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, words: str) -> None:
    with pytest.raises(RadiographError, match=words) as caught:
        load_radiograph(data)
    assert "DOE" not in str(caught.value) and str(caught.value).endswith(".")


def test_a_header_longer_than_is_looked_at_is_no_reason_to_leave_an_image_out(tmp_path: Path) -> None:
    """An icon or private element before the pixels may be of any length."""
    dataset = dicom(SMALL)
    dataset.private_block(0x0019, "PATCHCLIP", create=True).add_new(0x10, "OB", bytes(2 * HEAD))
    (tmp_path / "a.dcm").write_bytes(content(dataset))
    listing = list_images(tmp_path)
    assert len(listing.entries) == 1 and not listing.left_out
    assert load_entry(listing.entries[0]).sha256 == load_radiograph(DICOM).sha256


def test_a_deflated_file_in_a_folder_is_an_image(tmp_path: Path) -> None:
    dataset = dicom(SMALL)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    (tmp_path / "a.dcm").write_bytes(content(dataset))
    (entry,) = list_images(tmp_path).entries
    assert load_entry(entry).sha256 == load_radiograph(DICOM).sha256


def test_too_little_memory_is_a_sentence() -> None:
    with (
        mock.patch.dict(containers.JOBS, {"read_entry": mock.Mock(side_effect=MemoryError)}),
        pytest.raises(RadiographError, match="not enough memory"),
    ):
        load_entry(ImageEntry("a"), DICOM)
    with pytest.raises(RadiographError, match="not at hand any more"):
        load_entry(ImageEntry("a"))


def test_a_device_or_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RadiographError, match="no file but a folder or a device"):
        load_radiograph(tmp_path / "pipe")
    (tmp_path / "a.dcm").write_bytes(DICOM)
    assert [Path(entry.name).name for entry in list_images(tmp_path).entries] == ["a.dcm"]
