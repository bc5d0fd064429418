"""A film on its way: every grey value of the file, what it means, and a limit that is said."""

from __future__ import annotations

import numpy as np
import pytest

from app.film import OUTSIDE, film_bytes, film_reply
from patchclip import Radiograph, load_radiograph
from patchclip.image.grey import picture_values
from tests.app.page_client import PageClient, film_of, told
from tests.image.dicoms import CHEST, content, dicom, lut, words


def sent(radiograph: Radiograph) -> np.ndarray:
    """uint16 [rows, columns], as a client reads it."""
    reply = '{"film":' + film_reply(radiograph).model_dump_json() + "}"
    return film_of(len(reply).to_bytes(4, "big") + reply.encode() + film_bytes(radiograph))


def test_all_sixteen_bits_arrive(window: PageClient) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (300, 280)).astype(np.uint16)
    assert np.array_equal(
        sent(Radiograph.from_array(values / 65535, grey=picture_values(values, 0, 65535))), values
    )
    file = content(dicom(np.round(CHEST * 4000).astype(np.uint16), RescaleSlope=2, RescaleIntercept=-1000))
    body = window.fetch("open_upload", file)
    reply = told(body)["film"]
    stored = np.round(CHEST * 4000)
    assert np.array_equal(film_of(body) * reply["slope"] + reply["intercept"], stored * 2 - 1000)
    assert reply["limits"] == [stored.min() * 2 - 1000, stored.max() * 2 - 1000]
    assert reply["step"] == 1


def test_pixels_that_show_nothing_have_a_code_of_their_own() -> None:
    stored = np.round(CHEST * 4000).astype(np.uint16) + 1
    stored[:40] = 0
    radiograph = load_radiograph(content(dicom(stored, PixelPaddingValue=0)))
    assert film_reply(radiograph).outside
    assert ((sent(radiograph) == OUTSIDE) == (stored == 0)).all()


def test_a_look_up_table_is_sent_entry_by_entry() -> None:
    table = (np.linspace(0, 1, 4096) ** 2 * 4095).astype(np.uint16)
    file = dicom(np.round(CHEST * 4000).astype(np.uint16), VOILUTSequence=[lut([4096, 0, 12], words(table))])
    reply = film_reply(load_radiograph(content(file)))
    assert reply.model.function == "TABLE"
    assert reply.model.entries == table.tolist()
    assert reply.model.largest == 4095


@pytest.mark.parametrize(("height", "width", "step"), [(6000, 700, 2), (600, 4200, 1)])
def test_a_film_that_is_too_long_is_averaged_and_says_so(height: int, width: int, step: int) -> None:
    ramp = np.tile(np.linspace(0, 1, width), (height, 1))
    radiograph = Radiograph.from_array(ramp)
    reply = film_reply(radiograph)
    codes = sent(radiograph)
    assert (reply.size, reply.step) == (codes.shape, step)
    assert codes.shape == (-(-height // step), -(-width // step))
    expected = np.linspace(0, 65535, width).reshape(-1, step).mean(axis=1)
    assert np.abs(codes[0] - expected).max() <= 1
