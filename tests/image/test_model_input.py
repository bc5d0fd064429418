"""What decoders make for a model is what the film itself gives, in one go where a file holds one image."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from patchclip import RadiographError, load_radiograph
from patchclip.image.containers import list_and_prepare, load_prepared
from patchclip.image.isolation import shared_pool
from patchclip.image.model_input import InputStyle, ModelInput, model_input, prepared
from patchclip.image.synthetic import synthetic_radiograph

PLAIN = ModelInput(64, InputStyle(standardised=False, fit="squash"))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A drawn chest, wider than high."""
    pixels = synthetic_radiograph("effusion", size=300, seed=2).pixels[:260]
    Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(tmp_path / "film.png")
    return tmp_path / "film.png"


@pytest.mark.parametrize("wanted", [ModelInput(64), PLAIN])
def test_a_film_is_prepared_as_it_would_be_here(film: Path, wanted: ModelInput) -> None:
    whole = load_radiograph(film)

    for source in (str(film), film.read_bytes()):
        listing, made = list_and_prepare(source, "film.png", wanted, beside_others=False)

        assert made is not None and [entry.name for entry in listing.entries] == ["film.png"]
        square, box = model_input(whole.pixels, wanted.size, wanted.style)
        np.testing.assert_array_equal(made.square, square)
        np.testing.assert_array_equal(made.standard, model_input(whole.pixels, wanted.size)[0])
        assert made.letterbox == box == prepared(whole, wanted).letterbox
        assert (made.sha256, made.facts, made.warnings) == (whole.sha256, whole.facts, whole.warnings)


def test_a_file_of_one_image_goes_to_a_worker_once(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[str] = []
    run = shared_pool().run

    def counted(job: str, *given: Any) -> Any:
        jobs.append(job)
        return run(job, *given)

    monkeypatch.setattr(shared_pool(), "run", counted)

    _, made = list_and_prepare(film.read_bytes(), "", ModelInput(64), beside_others=False)

    assert made is not None and jobs == ["list_and_prepare"]


def test_of_an_archive_with_several_each_is_prepared_by_itself(film: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for name in ("a.png", "b.png"):
            archive.write(film, name)
    content = (tmp_path / "two.zip").read_bytes()

    listing, made = list_and_prepare(content, "two.zip", PLAIN, beside_others=False)

    assert made is None and [entry.name for entry in listing.entries] == ["two.zip/a.png", "two.zip/b.png"]
    sums = [load_prepared(entry, content, PLAIN).sha256 for entry in listing.entries]
    assert sums == [load_radiograph(film).sha256] * 2


def test_what_cannot_be_read_is_listed_and_says_why_when_it_is_opened(film: Path) -> None:
    content = film.read_bytes()[:3000]

    listing, made = list_and_prepare(content, "cut.png", PLAIN, beside_others=False)

    assert made is None and len(listing.entries) == 1
    with pytest.raises(RadiographError) as here:
        load_radiograph(content)
    with pytest.raises(RadiographError) as there:
        load_prepared(listing.entries[0], content, PLAIN)
    assert str(here.value) == str(there.value)


def test_what_is_no_image_is_left_out_of_a_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not an image")

    listing, made = list_and_prepare(str(tmp_path / "notes.txt"), "notes.txt", PLAIN, beside_others=True)

    assert made is None and listing.entries == () and listing.left_out[0].name == "notes.txt"
    named, _ = list_and_prepare(str(tmp_path / "notes.txt"), "notes.txt", PLAIN, beside_others=False)
    assert [entry.name for entry in named.entries] == ["notes.txt"]
