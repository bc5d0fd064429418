"""The film in a real browser: windows in the file's units, turning, size, lengths, what lies under it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from pydicom import dcmread

from patchclip import load_radiograph
from tests.browser.drawn_chest import HEIGHT, WIDTH, pixels
from tests.browser.page_reader import ask, canvas, fit, open_file, until

MIDDLE = (260.0, 320.0)  # of the drawn chest, in its mediastinum
AIR = (165.0, 300.0)  # in a lung


def told(path: Path, **tags: object) -> Path:
    """The file with these elements of its header."""
    image = dcmread(path)
    for keyword, value in tags.items():
        setattr(image, keyword, value)
    image.save_as(path)
    return path


def grey_at(page: Page, place: tuple[float, float], radius: int = 2) -> float:
    """The mean grey of the screen where the fitted film has that pixel, 0 to 255."""
    box = page.locator("#pc-canvas").bounding_box()
    assert box is not None
    x, y = fit(page).point(*place)
    column, row = round(x - box["x"]), round(y - box["y"])
    return float(canvas(page)[row - radius : row + radius + 1, column - radius : column + radius + 1].mean())


def stored(place: tuple[float, float], radius: int = 2) -> float:
    """The mean stored value of the drawn chest around a pixel."""
    column, row = round(place[0]), round(place[1])
    return float(pixels()[row - radius : row + radius + 1, column - radius : column + radius + 1].mean())


def test_a_window_is_numbers_in_the_files_own_units(opened: Page, dicom: Path) -> None:
    open_file(
        opened, told(dicom, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=3096, WindowWidth=8192)
    )
    expect(opened.locator("#pc-center")).to_have_value("3096")
    expect(opened.locator("#pc-width")).to_have_value("8192")
    expect(opened.locator("#pc-shown option").first).to_have_text("as the model sees it")
    before = load_radiograph(dicom)
    assert grey_at(opened, MIDDLE) == pytest.approx(255 * before.pixels[318:323, 258:263].mean(), abs=3)
    opened.locator("#pc-center").focus()
    for keys in ("Control+a", *"1500", "Tab", "Control+a", *"2000", "Enter"):
        opened.keyboard.press(keys)  # as a hand types: the field takes each key, and Tab goes on
    expect(opened.locator("#pc-center")).to_have_value("1500")
    expect(opened.locator("#pc-width")).to_have_value("2000")
    for place in (MIDDLE, AIR):
        value = stored(place) * 2 - 1000
        expected = 255 * np.clip((value - 1499.5) / 1999 + 0.5, 0, 1)
        assert grey_at(opened, place) == pytest.approx(expected, abs=4)
    expect(opened.locator("#pc-shown")).to_have_value("own")
    ask(opened, "pleural effusion")
    expect(opened.locator("#pc-shown")).to_have_value("own")  # the model's view is its own


def test_windows_and_presets_by_name(opened: Page, dicom: Path) -> None:
    open_file(
        opened,
        told(
            dicom,
            WindowCenter=[2048, 900],
            WindowWidth=[4096, 800],
            WindowCenterWidthExplanation=["NORMAL", "LUNG"],
        ),
    )
    expect(opened.locator("#pc-shown option")).to_have_text(
        [
            "as the model sees it",
            "window 2048/4096 (normal)",
            "window 900/800 (lung)",
            "automatic",
            "full range",
            "lungs",
            "mediastinum and bones",
        ]
    )
    opened.locator("#pc-shown").select_option(label="window 900/800 (lung)")
    assert grey_at(opened, AIR) == pytest.approx(255 * ((stored(AIR) - 899.5) / 799 + 0.5), abs=4)
    expect(opened.locator("#pc-center")).to_have_value("900")
    opened.locator("#pc-negative").click()
    assert grey_at(opened, AIR) == pytest.approx(255 * (0.5 - (stored(AIR) - 899.5) / 799), abs=4)


@pytest.mark.parametrize("way", ["right button", "shift", "w"])
def test_dragging_changes_the_window(opened: Page, dicom: Path, way: str) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-canvas").focus()
    x, y = fit(opened).point(*MIDDLE)
    opened.mouse.move(x, y)
    if way != "right button":
        opened.keyboard.down({"shift": "Shift", "w": "w"}[way])
    opened.mouse.down(button="right" if way == "right button" else "left")
    opened.mouse.move(x - 60, y + 40, steps=6)
    opened.mouse.up(button="right" if way == "right button" else "left")
    if way != "right button":
        opened.keyboard.up({"shift": "Shift", "w": "w"}[way])
    until(opened, lambda: float(opened.locator("#pc-width").input_value()) < 4096 - 100)
    until(opened, lambda: float(opened.locator("#pc-center").input_value()) > 2048 + 50)
    opened.keyboard.press("Home")
    expect(opened.locator("#pc-width")).to_have_value("4096")


def test_turning_and_flipping_carry_the_letters_and_the_map_along(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "pleural effusion")
    opened.locator("#pc-canvas").focus()
    left, right = opened.locator("#pc-side-left"), opened.locator("#pc-side-right")
    expect(right).to_have_text("L")
    expect(left).to_have_text("R")
    straight = canvas(opened)
    upside_down = np.abs(straight[::-1, ::-1].astype(int) - straight).mean()
    opened.keyboard.press("h")
    flipped = canvas(opened)
    assert np.abs(flipped.astype(int) - straight[:, ::-1]).mean() < 2
    boxes = [side.bounding_box() for side in (left, right)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] > boxes[1]["x"]
    opened.keyboard.press("h")
    opened.keyboard.press("r")
    lower, caption = left.bounding_box(), opened.locator("#pc-caption span").bounding_box()
    upper = right.bounding_box()
    assert lower is not None
    assert upper is not None
    assert caption is not None
    lower = max(lower, upper, key=lambda box: box["y"])
    assert lower["y"] + lower["height"] <= caption["y"]  # neither covers the other
    opened.keyboard.press("r")
    # Half of a pixel of the screen is what turning about its middle may move the film by.
    until(
        opened,
        lambda: np.abs(canvas(opened).astype(int) - straight[::-1, ::-1]).mean() < min(4, upside_down / 4),
    )
    opened.keyboard.press("l")
    opened.keyboard.press("l")
    opened.keyboard.press("v")
    until(opened, lambda: np.abs(canvas(opened).astype(int) - straight[::-1]).mean() < 2)
    opened.keyboard.press("Home")
    until(opened, lambda: np.abs(canvas(opened).astype(int) - straight).max() <= 2)


def test_size_has_a_figure_and_the_wheel_keeps_what_is_under_it(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-canvas").focus()
    fitted = opened.locator("#pc-zoom").inner_text()
    assert fitted == f"{round(100 * fit(opened).scale)} %"
    opened.keyboard.press("U")
    expect(opened.locator("#pc-zoom")).to_have_text("100 %")
    opened.keyboard.press("=")
    expect(opened.locator("#pc-zoom")).to_have_text(fitted)
    x, y = fit(opened).point(*AIR)
    opened.mouse.move(x, y)
    before = opened.locator("#pc-probe").inner_text()
    opened.mouse.wheel(0, -400)
    expect(opened.locator("#pc-zoom")).not_to_have_text(fitted)
    opened.mouse.move(x + 1, y)
    opened.mouse.move(x, y)
    numbers = [
        [int(one) for one in re.findall(r"[xy] (\d+)", text)]
        for text in (before, opened.locator("#pc-probe").inner_text())
    ]
    assert np.abs(np.subtract(numbers[0], numbers[1])).max() <= 2
    opened.mouse.dblclick(x, y)
    expect(opened.locator("#pc-zoom")).to_have_text(fitted)


@pytest.mark.parametrize("way", ["middle", "space"])
def test_middle_button_and_space_move_the_film_while_boxes_are_drawn(
    opened: Page, dicom: Path, way: str
) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-draw").click()
    opened.locator("#pc-canvas").focus()
    x, y = fit(opened).point(*MIDDLE)
    opened.mouse.move(x, y)
    opened.mouse.wheel(0, -500)
    before = canvas(opened)
    if way == "space":
        opened.keyboard.down(" ")
    opened.mouse.down(button="middle" if way == "middle" else "left")
    opened.mouse.move(x + 40, y + 25, steps=5)
    opened.mouse.up(button="middle" if way == "middle" else "left")
    if way == "space":
        opened.keyboard.up(" ")
    after = canvas(opened)
    assert np.abs(after[125:400, 140:600].astype(int) - before[100:375, 100:560]).mean() < 3
    expect(opened.locator("#pc-boxes")).to_have_text("no boxes")


def test_what_lies_under_the_pointer(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "pleural effusion")
    x, y = fit(opened).point(AIR[0] + 0.5, AIR[1] + 0.5)
    opened.mouse.move(x, y)
    value = pixels()[int(AIR[1]), int(AIR[0])]
    text = opened.locator("#pc-probe").inner_text()
    column, row, shown = (int(number) for number in re.findall(r"\d+", text)[:3])
    assert (abs(column - AIR[0]), abs(row - AIR[1])) <= (1, 1)
    assert shown == pixels()[row, column]
    assert abs(shown - int(value)) < 400
    assert re.search(r"patch (\.\d\d|1\.00)$", text)
    opened.keyboard.press("Escape")
    box = opened.locator("#pc-canvas").bounding_box()
    assert box is not None
    opened.mouse.move(box["x"] + 2, box["y"] + 2)
    expect(opened.locator("#pc-probe")).to_have_text("")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"ImagerPixelSpacing": [0.5, 0.5]}, "50.0 mm, at the detector"),
        ({"PixelSpacing": [0.4, 0.4], "ImagerPixelSpacing": [0.5, 0.5]}, "40.0 mm"),
        ({}, "100 px, no pixel spacing in the file"),
    ],
)
def test_the_ruler_says_millimetres_or_that_it_cannot(
    opened: Page, dicom: Path, tags: dict[str, object], words: str
) -> None:
    open_file(opened, told(dicom, **tags))
    opened.locator("#pc-ruler").click()
    place = fit(opened)
    opened.mouse.move(*place.point(150, 200))
    opened.mouse.down()
    opened.mouse.move(*place.point(200, 200), steps=3)
    opened.mouse.move(*place.point(250, 200), steps=3)
    opened.mouse.up()
    shown = opened.locator("#pc-film svg text")
    number, rest = re.match(r"([\d.]+)(.*)", words).groups()  # type: ignore[union-attr]
    expect(shown).to_contain_text(rest)
    assert float(re.findall(r"[\d.]+", shown.text_content() or "")[0]) == pytest.approx(
        float(number), rel=0.02
    )


def measure(page: Page, start: float, end: float, row: float) -> None:
    """Drags along a row of the image."""
    place = fit(page)
    page.mouse.move(*place.point(start, row))
    page.mouse.down()
    page.mouse.move(*place.point((start + end) / 2, row), steps=3)
    page.mouse.move(*place.point(end, row), steps=3)
    page.mouse.up()


def test_the_cardiothoracic_ratio_is_the_heart_over_the_thorax(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("R")
    measure(opened, 100, 400, 300)  # a ruler that was there before is no part of it
    expect(opened.locator("#pc-film svg text")).to_contain_text("px, no pixel spacing")
    opened.keyboard.press("T")
    words = opened.locator("#pc-measured")
    expect(words).to_have_text("draw the width of the heart")
    measure(opened, 200, 320, 450)
    expect(words).to_have_text("draw the width of the thorax")
    measure(opened, 100, 420, 450)
    expect(words).to_contain_text("cardiothoracic ratio 0.3")
    expect(opened.locator("#pc-ratio")).to_have_attribute("aria-pressed", "false")
    opened.keyboard.press("T")
    measure(opened, 100, 420, 450)
    expect(words).to_have_text("draw the width of the thorax")
    measure(opened, 200, 320, 480)
    expect(words).to_have_text("the heart is drawn wider than the thorax; begin the ratio again")
    expect(opened.locator("#pc-film svg text")).to_have_count(3)
    opened.locator("#pc-examples [data-key]").first.click()
    expect(opened.locator("#pc-film svg text")).to_have_count(0)  # the lengths of one film lie on no other


def test_the_lens_shows_the_film_three_times_as_large(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("M")
    opened.mouse.move(*fit(opened).point(*MIDDLE))
    lens = opened.locator(".lens")
    expect(lens).to_be_visible()
    middle = opened.evaluate(
        """() => { const c = document.querySelector('.lens');
          return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]; }"""
    )
    assert middle == pytest.approx(stored(MIDDLE) / 4096 * 255, abs=6)
    opened.keyboard.press("M")
    expect(lens).to_be_hidden()


def test_outlines_stay_without_opacity_and_a_held_key_hides_all(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    plain = canvas(opened)
    ask(opened, "pleural effusion")
    filled = canvas(opened)
    opened.keyboard.press("F")
    outlines = canvas(opened)
    changed = (outlines != plain).any(axis=2)
    assert 100 < changed.sum() < 0.35 * (filled != plain).any(axis=2).sum()
    tones = outlines[changed].max(axis=1)
    assert (tones > 180).any()
    assert (tones < 60).any()
    opened.keyboard.press("F")
    opened.locator("#pc-opacity").fill("0")
    opened.locator("#pc-opacity").blur()  # its focus ring, and that of the film, would be on the screen
    until(opened, lambda: ((canvas(opened) != plain).any(axis=2) == changed).mean() > 0.999)
    opened.keyboard.down("X")
    until(opened, lambda: (canvas(opened) == plain).all())
    opened.keyboard.up("X")
    until(opened, lambda: (canvas(opened) != plain).any())


def test_a_moved_threshold_is_its_answers_alone_and_0_takes_it_back(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    ask(opened, "mass; nodule")
    slider = opened.locator("#pc-threshold")
    own = slider.input_value()
    slider.fill("0.95")
    opened.locator("#pc-answers li").nth(1).click()
    expect(slider).not_to_have_value("0.95")
    opened.locator("#pc-answers li").nth(0).click()
    expect(slider).to_have_value("0.95")
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("0")
    expect(slider).to_have_value(own)
    mark = opened.evaluate(
        "getComputedStyle(document.querySelector('.marked')).getPropertyValue('--own').trim()"
    )
    assert float(mark) == pytest.approx(float(own), abs=0.006)


def test_keys_are_given_away_kept_and_never_twice(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("?")
    opened.get_by_role("button", name="invert the film").click()
    opened.keyboard.press("h")
    expect(opened.locator("#pc-keys-error")).to_contain_text("is the key for “flip left and right”")
    opened.get_by_role("button", name="invert the film").click()
    opened.keyboard.press("#")
    expect(opened.locator("#pc-keys-error")).to_be_hidden()
    opened.keyboard.press("Escape")
    opened.locator("#pc-canvas").focus()
    opened.keyboard.press("i")
    expect(opened.locator("#pc-negative")).to_have_attribute("aria-pressed", "false")
    opened.keyboard.press("#")
    expect(opened.locator("#pc-negative")).to_have_attribute("aria-pressed", "true")
    expect(opened.locator("#pc-negative")).to_have_attribute("title", "Invert (#)")
    opened.reload()
    opened.wait_for_selector('#pc[data-ready="true"]')
    expect(opened.locator("#pc-negative")).to_have_attribute("title", "Invert (#)")
    opened.keyboard.press("?")
    expect(opened.get_by_role("button", name="#: invert the film")).to_be_visible()
    opened.locator("#pc-keys-reset").click()
    expect(opened.get_by_role("button", name="i: invert the film")).to_be_visible()


def test_the_film_is_as_large_as_the_radiograph(opened: Page, dicom: Path) -> None:
    open_file(opened, dicom)
    place = fit(opened)
    shown = np.flatnonzero((canvas(opened)[:, :, 0] > 40).any(axis=0))
    box = opened.locator("#pc-canvas").bounding_box()
    assert box is not None
    ellipse = (260 - 235, 260 + 235)
    assert shown[0] + box["x"] == pytest.approx(place.point(ellipse[0], 0)[0], abs=8)
    assert shown[-1] + box["x"] == pytest.approx(place.point(ellipse[1], 0)[0], abs=8)
    assert load_radiograph(dicom).size == (HEIGHT, WIDTH)
