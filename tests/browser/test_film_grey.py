"""The page's arithmetic of grey values, without a server: windows as the library has them, codes as sent."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from playwright.sync_api import Page

from app import film
from app.film import OUTSIDE, film_preview, packed
from patchclip.image.lut import Lut
from patchclip.image.voi import Automatic, Transform, VoiLut, Window
from tests.app.coded_film import coded_film
from tests.browser.scripts import empty_page

GREYS = """async ({ transforms, values }) => {
  const { greyOf } = await import("/film/grey.js");
  return transforms.map((transform) => values.map((value) => greyOf(transform, value)));
}"""
UNPACK = """async ({ told, codes }) => {
  const { makeFilm, unpack, levelOf, valueAt, tableOf } = await import("/film/grey.js");
  const bytes = Uint8Array.from(atob(codes), (sign) => sign.charCodeAt(0));
  const film = await unpack(makeFilm(told, new Blob([bytes])));
  const table = tableOf(film, film.model, false);
  return {
    codes: [...film.levels[0].codes], half: [...levelOf(film, 1).codes],
    value: valueAt(film, 2.5, 1.5), outside: valueAt(film, 0.5, 0.5), beyond: valueAt(film, -1, 0),
    shown: [...film.levels[0].codes].map((code) => table[code] & 255),
  };
}"""
TABLE = VoiLut(Lut(100, (np.linspace(0, 1, 512) ** 2 * 1023).astype(np.uint16), 10))
TRANSFORMS: list[Transform] = [
    Window(300, 200),
    Window(300, 1),
    Window(-20.5, 333.25, "LINEAR_EXACT"),
    Window(250, 120, "SIGMOID"),
    Window(0, 1e-3, "SIGMOID"),
    Automatic(-100, 700),
    TABLE,
]
VALUES = [-1000, -100.25, 0, 99.5, 100, 100.5, 101.5, 199.5, 250, 299.5, 300, 399.5, 611, 612.5, 700, 1e5]


def as_sent(transform: Transform) -> dict[str, object]:
    """The reply's own words for a transform."""
    from app.film import _transform

    return dict(json.loads(_transform(transform).model_dump_json()))


PREVIEW = """async ({ told, codes, preview, level }) => {
  const { makeFilm, unpackFirst, unpack, isWhole, levelOf, valueAt } = await import("/film/grey.js");
  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  let arrive;
  const rest = new Promise((done) => (arrive = done));
  const film = await unpackFirst(makeFilm(told, rest, { level, bytes: bytes(preview) }));
  const codesAt = (number) => [...levelOf(film, number).codes];
  const first = { whole: isWhole(film), value: valueAt(film, 1, 1), levels: [0, 1, 2, 3].map(codesAt) };
  arrive(new Blob([bytes(codes)]));
  await unpack(film);
  const last = { whole: isWhole(film), value: valueAt(film, 1, 1), levels: [0, 1, 2, 3].map(codesAt) };
  const alone = await unpack(makeFilm(told, new Blob([bytes(codes)])));
  return { first, last, alone: [0, 1, 2, 3].map((number) => [...levelOf(alone, number).codes]) };
}"""


@pytest.mark.parametrize("hidden", [None, (9, 5)])
def test_a_preview_is_what_the_page_makes_of_the_whole_film(
    page: Page, hidden: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film, "PREVIEW_LENGTH", 6)
    drawn = coded_film((33, 26), hidden, seed=2)
    whole, preview = packed(drawn.radiograph), film_preview(drawn.radiograph)
    given = {
        "told": json.loads(whole.told.model_dump_json()),
        "codes": base64.b64encode(whole.codes).decode(),
        "preview": base64.b64encode(preview.codes).decode(),
        "level": preview.level,
    }
    seen = empty_page(page).evaluate(PREVIEW, given)
    first, last = seen["first"], seen["last"]
    assert (first["whole"], first["value"]) == (False, None)
    # What is finer than the preview is shown by it until the film is there; what is coarser is right at once.
    assert first["levels"] == [seen["alone"][max(number, preview.level)] for number in range(4)]
    assert last["whole"]
    assert last["value"] == (None if hidden else drawn.values[1, 1])
    assert last["levels"] == seen["alone"]


def test_windows_and_tables_are_the_librarys(page: Page) -> None:
    greys = empty_page(page).evaluate(
        GREYS, {"transforms": [as_sent(transform) for transform in TRANSFORMS], "values": VALUES}
    )
    for transform, shown in zip(TRANSFORMS, greys, strict=True):
        expected = transform.apply(np.array(VALUES, np.float64))
        np.testing.assert_allclose(shown, expected, atol=1e-9, err_msg=transform.name)


@pytest.mark.parametrize("hidden", [None, (1, 5)])
def test_every_code_arrives_and_pixels_that_show_nothing_are_black(
    page: Page, hidden: tuple[int, int] | None
) -> None:
    drawn = coded_film((10, 14), hidden)
    codes, outside = drawn.values, drawn.outside
    sent_film = packed(drawn.radiograph)
    given = {
        "told": json.loads(sent_film.told.model_dump_json()),
        "codes": base64.b64encode(sent_film.codes).decode(),
    }
    seen = empty_page(page).evaluate(UNPACK, given)
    sent = np.where(outside, OUTSIDE, codes - codes.min())
    assert (np.array(seen["codes"]).reshape(codes.shape) == sent).all()
    assert seen["value"] == codes[1, 2]
    assert seen["beyond"] is None
    assert seen["outside"] == (None if hidden else codes[0, 0])
    grey = np.where(outside, 0, np.round(255 * np.clip(codes / 60_000, 0, 1)))
    assert np.abs(np.array(seen["shown"]).reshape(codes.shape) - grey).max() <= 1
    inside = np.where(outside, np.nan, sent.astype(float)).reshape(5, 2, 7, 2)
    half = np.array(seen["half"], float).reshape(5, 7)
    counted = (~np.isnan(inside)).sum(axis=(1, 3))
    means = np.nansum(inside, axis=(1, 3)) / np.maximum(counted, 1)
    assert (half[counted < 2] == OUTSIDE).all()
    assert np.abs(half - means)[counted >= 2].max() <= 1
