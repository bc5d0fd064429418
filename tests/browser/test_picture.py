"""The picture inverted, or by another window of its file; answers are those of what is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect
from pydicom import dcmread

from patchclip import Engine, Radiograph, load_radiograph
from tests.browser.page_reader import ask, canvas, coloured, draw_box, open_file, until

NAMES = ["2048/4096", "1000/1500 (lung)", "automatic"]


def two_windows(path: Path) -> Path:
    """The file with a second window."""
    image = dcmread(path)
    image.WindowCenter, image.WindowWidth = [2048, 1000], [4096, 1500]
    image.WindowCenterWidthExplanation = ["", "LUNG"]
    image.save_as(path)
    return path


def probability(page: Page) -> float:
    """Of the only answer, as the page shows it; not a number while it shows none."""
    shown = page.locator("#pc-answers .number").inner_text()
    return float(shown) if shown != "–" else float("nan")


def until_shown(page: Page, value: float) -> None:
    """Waits until this probability is shown, as it is rounded."""
    until(page, lambda: abs(probability(page) - value) <= 0.0051)


def of(engine: Engine, radiograph: Radiograph) -> float:
    """The engine's own probability of an effusion."""
    value = engine.query(engine.encode(radiograph), ["pleural effusion"])[0].probability
    assert value is not None
    return value


def test_invert_by_button_and_key_is_what_the_model_sees(opened: Page, dicom: Path, engine: Engine) -> None:
    open_file(opened, dicom)
    ask(opened, "pleural effusion")
    draw_box(opened)
    opened.locator("#pc-comment").fill("left base")
    before, shown = probability(opened), canvas(opened)
    radiograph = load_radiograph(dicom)
    expected = [round(of(engine, picture), 2) for picture in (radiograph, radiograph.inverted())]
    assert expected[0] != expected[1]
    assert before == expected[0]
    opened.locator("#pc-invert").click()
    expect(opened.locator("#pc-invert")).to_have_attribute("aria-pressed", "true")
    expect(opened.locator("#pc-image-warnings")).to_contain_text("The reader exchanged black and white")
    until_shown(opened, expected[1])
    expect(opened.locator("#pc-studies li")).to_have_count(1)
    expect(opened.locator("#pc-comment")).to_have_value("left base")
    expect(opened.locator("#pc-boxes")).to_have_text("1 box")
    opened.locator("#pc-outlines").uncheck()
    opened.keyboard.press("y")
    expect(opened.locator('[data-view="image"]')).to_have_attribute("aria-checked", "true")
    middle = canvas(opened)[canvas(opened).shape[0] // 2, :, 0].astype(int)
    was = shown[shown.shape[0] // 2, :, 0].astype(int)
    grey = ~coloured(opened)[shown.shape[0] // 2]
    inside = grey & (was > 20) & (middle > 20)
    assert np.corrcoef(middle[inside], was[inside])[0, 1] < -0.8
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("I")
    expect(opened.locator("#pc-invert")).to_have_attribute("aria-pressed", "false")
    expect(opened.locator("#pc-image-warnings")).not_to_contain_text("exchanged")
    until_shown(opened, before)


def test_windows_are_offered_by_name_and_read_again(opened: Page, dicom: Path, engine: Engine) -> None:
    open_file(opened, two_windows(dicom))
    expect(opened.locator("#pc-window option")).to_have_text(NAMES)
    expect(opened.locator("#pc-window")).to_have_value("0")
    ask(opened, "pleural effusion")
    for number, act in (
        (1, lambda: opened.get_by_label("model's window").select_option("1")),
        (-1, lambda: opened.keyboard.press("W")),
        (0, lambda: opened.keyboard.press("W")),
    ):
        if number != 1:
            opened.locator("#pc-canvas").focus()
        with opened.expect_response(lambda response: response.url.endswith("/api/close")):
            act()
        opened.locator("#pc-busy").wait_for(state="hidden")
        expect(opened.locator("#pc-window")).to_have_value(str(number))
        until_shown(opened, of(engine, load_radiograph(dicom, window=number)))


def test_a_file_that_is_gone_is_said_and_the_picture_stays(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass")
    before = probability(opened)
    opened.route("**/api/open_upload", lambda route: route.abort())
    opened.locator("#pc-invert").click()
    expect(opened.locator("#pc-picture-error")).to_contain_text("could not be sent")
    expect(opened.locator("#pc-invert")).to_have_attribute("aria-pressed", "false")
    assert probability(opened) == before


def test_a_picture_has_no_windows_and_nothing_to_invert_before_one_is_open(opened: Page) -> None:
    expect(opened.locator("#pc-invert")).to_be_disabled()
    expect(opened.locator("#pc-window-label")).to_be_hidden()
    opened.locator("#pc-examples button", has_text="no finding").click()
    expect(opened.locator("#pc-invert")).to_be_enabled()
    expect(opened.locator("#pc-window-label")).to_be_hidden()
