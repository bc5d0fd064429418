"""A film on its way: every grey value of the file, what it means, and a limit that is said."""

from __future__ import annotations

import json
import zlib
from collections.abc import Awaitable
from threading import Event

import numpy as np
import pytest

from app import film
from app.examples import examples
from app.film import LONGEST_BLOCK, OUTSIDE, PREVIEW_LENGTH, film_bytes, film_preview, film_reply
from app.guard.windows import HEADER
from app.replies import StudyReply
from app.requests import OpenExampleRequest
from app.service import Service
from patchclip import Encoded, Radiograph, RadiographError, load_radiograph
from patchclip.image.grey import picture_values
from tests.app.coded_film import coded_film
from tests.app.own_loop import in_own_loop
from tests.app.page_client import PageClient, codes_of, film_of, preview_of, told
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


@pytest.mark.parametrize("noise", [0, 300])
def test_low_bytes_that_do_not_shrink_are_sent_as_they_are(noise: int) -> None:
    draws = np.random.default_rng(0).integers(0, noise + 1, (600, 500))
    values = (np.arange(500) * 20 + draws).astype(np.uint16)
    radiograph = Radiograph.from_array(values / 65535, grey=picture_values(values, 0, 65535))
    body = film_bytes(radiograph)
    # The third byte begins the first block; two bits of it say how it is made (RFC 1951, 3.2.3).
    as_it_is = body[2] >> 1 & 3 == 0 and int.from_bytes(body[3:5], "little") == LONGEST_BLOCK
    assert as_it_is == (noise > 0)
    assert len(zlib.decompress(body)) == 2 * values.size
    assert np.array_equal(sent(radiograph), values - values.min())


class Looking:
    """An engine that looks at a picture until it is told to stop, and may fail."""

    def __init__(self, service: Service, error: Exception | None = None) -> None:
        self.encode, self.error, self.done = service.engine.encode, error, Event()

    def __call__(self, radiograph: Radiograph) -> Encoded:
        assert self.done.wait(30)
        if self.error:
            raise self.error
        return self.encode(radiograph)


async def last(study: Awaitable[StudyReply]) -> bytes:
    return (await study).model_dump_json().encode()


def test_the_film_is_on_its_way_while_the_model_looks_at_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = Looking(service)
    monkeypatch.setattr(service.engine, "encode", looking)

    async def read() -> list[bytes]:
        opened = await service.open_example("window", None, OpenExampleRequest(name=examples()[0].file))
        parts = opened.body(last)
        before = [await anext(parts) for _ in range(3)]
        assert not looking.done.is_set()
        looking.done.set()
        return [*before, *[part async for part in parts]]

    head, length, codes, study = in_own_loop(read())
    told_first = json.loads(head[4 : 4 + int.from_bytes(head[:4], "big")])
    assert film_of(head + length + codes).shape == tuple(told_first["film"]["size"])
    assert int.from_bytes(length, "big") == len(codes)
    assert len(json.loads(study)["sha256"]) == 64


def test_what_the_model_cannot_look_at_is_said_after_its_film(
    service: Service, window: PageClient, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = Looking(service, RadiographError("The image is too long; crop it."))
    looking.done.set()
    monkeypatch.setattr(service.engine, "encode", looking)
    assert window.send("open_upload", png) == {"error": "The image is too long; crop it."}
    looking.error = ValueError("of Erika Mustermann")
    assert "its log says where" in window.send("open_upload", png)["error"]


@pytest.mark.parametrize("hidden", [None, (7, 5)])
def test_a_preview_is_the_mean_of_what_a_screen_cannot_show(
    hidden: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film, "PREVIEW_LENGTH", 6)
    radiograph = coded_film((31, 26), hidden, seed=1).radiograph
    preview = film_preview(radiograph)
    assert preview.level == 2
    expected = [[int(code) for code in row] for row in sent(radiograph)]
    for _ in range(2):
        expected = [
            [
                mean_of(
                    [expected[2 * row + below][2 * column + right] for below in (0, 1) for right in (0, 1)]
                )
                for column in range(len(expected[0]) // 2)
            ]
            for row in range(len(expected) // 2)
        ]
    assert codes_of(preview.codes, 7, 6).tolist() == expected


def mean_of(four: list[int]) -> int:
    """Of those that show something, rounded; `OUTSIDE` where fewer than half do."""
    inside = [code for code in four if code != OUTSIDE]
    return OUTSIDE if len(inside) < 2 else (2 * sum(inside) + len(inside)) // (2 * len(inside))


def test_a_preview_comes_while_its_film_is_still_packed(
    service: Service, window: PageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Event()

    def slow(radiograph: Radiograph) -> bytes:
        assert done.wait(30)
        return film_bytes(radiograph)

    monkeypatch.setattr(film, "PREVIEW_LENGTH", 100)
    monkeypatch.setattr("app.service.film_bytes", slow)

    async def read() -> list[bytes]:
        opened = await service.open_example("window", None, OpenExampleRequest(name=examples()[0].file))
        parts = opened.body(last)
        first = await anext(parts)
        assert not done.is_set()
        done.set()
        return [first, *[part async for part in parts]]

    content = b"".join(in_own_loop(read()))
    preview, whole = preview_of(content), film_of(content)
    level = json.loads(content[4 : 4 + int.from_bytes(content[:4], "big")])["preview_level"]
    assert level > 0
    assert preview.shape == tuple(side >> level for side in whole.shape)
    assert abs(float(preview.mean()) - float(whole.mean())) < 0.01 * float(whole.mean())
    again = window.fetch("open_example", json.dumps({"name": examples()[0].file}).encode())
    looked = window.client.post(
        "/api/look", json={"study": told(again)["study"]}, headers={HEADER: window.token}
    )
    assert np.array_equal(preview_of(looked.content), preview)


def test_a_film_that_cannot_be_made_is_said_after_its_preview(
    window: PageClient, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(radiograph: Radiograph) -> bytes:
        raise RadiographError("The film is too large; crop it.")

    monkeypatch.setattr("app.service.film_bytes", failing)
    assert window.send("open_upload", png) == {"error": "The film is too large; crop it."}


def test_a_small_film_has_no_preview() -> None:
    small = np.tile(np.linspace(0, 1, 2 * PREVIEW_LENGTH - 1), (3 * PREVIEW_LENGTH, 1))
    assert film_preview(Radiograph.from_array(small)).codes == b""
