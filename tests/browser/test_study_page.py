"""The reader's page of a study, against a server in memory: keys, opinions, drafts, time, maps, boxes."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.fake_study import FINDINGS, FakeStudy
from tests.browser.page_reader import BOX, coloured, draw_box, until

MINUTE_MS = 60_000


@pytest.fixture
def study() -> FakeStudy:
    """Three cases in sequential arms."""
    return FakeStudy(arms=["sequential"] * 3)


def begun(page: Page, study: FakeStudy) -> Page:
    """The page with the first case on screen."""
    study.serve(page)
    page.keyboard.press("Enter")
    return on_screen(page, 1)


def on_screen(page: Page, case: int) -> Page:
    """Waits until that case is open and its film is laid."""
    expect(page.locator("#pc-case")).to_have_text(f"Case {case}")
    expect(page.locator("#pc-busy")).to_be_hidden()
    return page


def press(page: Page, *keys: str) -> None:
    """One key after the other."""
    for key in keys:
        page.keyboard.press(key)


def test_enter_draws_a_box_and_saves_nothing_while_boxes_are_drawn(page: Page, study: FakeStudy) -> None:
    begun(page, study)
    expect(page.locator("#pc-canvas")).to_be_focused()  # what was pressed to begin is gone
    page.locator(".line [data-presence=present]").first.focus()
    press(page, "1", "b", "Enter")
    expect(page.locator("#pc-boxes")).to_have_text("pleural effusion: 1 box")
    assert study.told("study_save") == []
    press(page, "Escape", "Escape", "a", "Enter")
    expect(page.locator("#pc-opinion")).to_contain_text("Second opinion")
    assert [len(mark["boxes"]) for mark in saved(study)["findings"]] == [1, 0, 0]


def test_titles_and_sentences_name_the_keys_that_were_chosen(page: Page, study: FakeStudy) -> None:
    begun(page, study)
    title = page.locator(".line [data-presence=present]").first
    expect(title).to_have_attribute("title", "present (1)")
    expect(page.locator("#pc-save")).to_have_attribute("title", "Save and go on (Enter)")
    press(page, "?")
    page.get_by_role("button", name="1: present").press("Enter")
    press(page, "%", "Escape")
    expect(title).to_have_attribute("title", "present (%)")
    press(page, "Enter")
    expect(page.locator("#pc-save-error")).to_have_text(
        "Say whether pleural effusion is present, absent or unsure (%, 2, 3); a: all others absent."
    )


def saved(study: FakeStudy) -> dict[str, Any]:
    """What was saved last."""
    return study.told("study_save")[-1]


def test_keys_alone_read_a_case_twice(page: Page, study: FakeStudy, troubles: list[str]) -> None:
    begun(page, study)
    assert study.told("study_answers") == []
    expect(page.locator("#pc-map-tools")).to_be_hidden()
    until(page, lambda: not coloured(page).any())  # nothing but the film
    press(page, "1", "8", "8", "8", "n", "3", "a", "Enter")
    expect(page.locator("#pc-opinion")).to_contain_text("Second opinion")
    first = saved(study)
    assert first["opinion"] == "first" and not first["unreadable"]
    assert [(mark["label"], mark["presence"], mark["confidence"]) for mark in first["findings"]] == [
        ("Effusion", "present", 70),
        ("Nodule", "unsure", None),
        ("Cardiomegaly", "absent", None),
    ]
    assert all(mark["maps"] == {} and mark["boxes"] == [] for mark in first["findings"])
    expect(page.locator("#pc-maps [aria-checked=true]")).to_have_text("map A")
    expect(page.locator("#pc-caption")).to_have_text("map A of pleural effusion: 1 region above .50")
    until(page, lambda: coloured(page).any())
    # It starts from the first opinion, which stays beside it.
    expect(page.locator(".line small").first).to_contain_text("first: present 70")
    press(page, "4", "m", "6", "n", "2", "n", "1", "9", "p", "p", "7", "Enter")
    on_screen(page, 2)
    second = saved(study)
    assert (second["opinion"], second["assignment"]) == ("second", first["assignment"])
    assert second["key"] != first["key"]
    assert [(mark["presence"], mark["confidence"], mark["maps"]) for mark in second["findings"]] == [
        ("present", 60, {"A": "correct", "B": "wrong"}),
        ("absent", None, {}),
        ("present", None, {}),
    ]
    assert [body["assignment"] for body in study.told("study_open")] == [101, 102]
    expect(page.locator("#pc-done")).to_have_text("1 of 3 read")
    expect(page.locator("#pc-cases button").first).to_contain_text("✓")


def test_what_is_missing_or_contradicts_itself_is_said_and_not_sent(page: Page, study: FakeStudy) -> None:
    begun(page, study)
    press(page, "1", "Enter")
    expect(page.locator("#pc-save-error")).to_contain_text("Say whether lung nodule is present")
    expect(page.locator(".line[aria-current=true]")).to_contain_text("lung nodule")
    press(page, "a", "p")
    draw_box(page)
    expect(page.locator("#pc-boxes")).to_have_text("pleural effusion: 1 box")
    press(page, "2", "Enter")
    expect(page.locator("#pc-save-error")).to_contain_text("pleural effusion is absent, but has a box")
    assert study.told("study_save") == []


def test_a_box_belongs_to_the_finding_it_was_drawn_for(page: Page, study: FakeStudy) -> None:
    begun(page, study)
    press(page, "n")
    draw_box(page)
    expect(page.locator("#pc-boxes")).to_have_text("lung nodule: 1 box")
    press(page, "n")
    expect(page.locator("#pc-boxes")).to_have_text("cardiomegaly: no box")
    press(page, "a", "Enter")
    expect(page.locator("#pc-opinion")).to_contain_text("Second opinion")
    effusion, nodule, heart = saved(study)["findings"]
    assert nodule["presence"] == "present"  # whoever draws it, sees it
    assert nodule["boxes"][0] == pytest.approx(BOX, abs=1.5)
    assert effusion["boxes"] == heart["boxes"] == []


def test_a_draft_outlives_a_reload_and_a_lost_answer(page: Page, study: FakeStudy) -> None:
    begun(page, study)
    press(page, "1", "a", "t")
    page.keyboard.type("rotated film")
    study.failing.add("study_save")
    page.keyboard.press("Enter")  # in the comment, too
    expect(page.locator("#pc-save-error")).to_contain_text("does not answer")
    page.reload()
    on_screen(page, 1)
    expect(page.locator("#pc-comment")).to_have_value("rotated film")
    expect(page.locator("#pc-cases button").first).to_contain_text("not saved")
    study.failing.clear()
    page.keyboard.press("Enter")
    expect(page.locator("#pc-opinion")).to_contain_text("Second opinion")
    lost, arrived = study.told("study_save")
    assert lost["key"] == arrived["key"] and lost["findings"] == arrived["findings"]
    assert arrived["comment"] == "rotated film"
    page.reload()
    on_screen(page, 1)
    expect(page.locator("#pc-opinion")).to_contain_text("Second opinion")
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.endsWith('first'))") == []


def test_another_machine_goes_on_where_the_first_one_stopped(
    page: Page, study: FakeStudy, browser: Any
) -> None:
    begun(page, study)
    press(page, "1", "a", "Enter")
    expect(page.locator("#pc-opinion")).to_contain_text("Second opinion")
    with browser.new_context(viewport={"width": 1366, "height": 768}) as context:
        elsewhere = begun(context.new_page(), study)
        expect(elsewhere.locator("#pc-opinion")).to_contain_text("Second opinion")
        expect(elsewhere.locator(".line small").first).to_contain_text("first: present")
        press(elsewhere, "Enter")
        expect(elsewhere.locator("#pc-case")).to_have_text("Case 2")


def test_an_unreadable_case_needs_no_findings(page: Page, study: FakeStudy) -> None:
    begun(page, study)
    press(page, "E", "Enter")
    on_screen(page, 2)
    assert saved(study)["unreadable"] and saved(study)["findings"] == []
    expect(page.locator("#pc-cases button").first).to_contain_text("unreadable")
    press(page, "k")
    on_screen(page, 1)
    expect(page.locator("#pc-unreadable")).to_be_checked()


def test_active_time_rests_while_nothing_is_touched(page: Page, study: FakeStudy) -> None:
    page.clock.install()
    study.serve(page)
    page.keyboard.press("Enter")
    expect(page.locator("#pc-case")).to_have_text("Case 1")
    page.clock.run_for(2_000)
    page.clock.run_for(10 * MINUTE_MS)
    expect(page.locator("#pc-clock")).to_contain_text("paused")
    page.keyboard.press("a")
    page.clock.run_for(5_000)
    page.keyboard.press("Enter")
    page.clock.run_for(1_000)
    expect(page.locator("#pc-opinion")).to_contain_text("Second opinion")
    assert MINUTE_MS <= saved(study)["active_ms"] <= MINUTE_MS + 15_000
    kinds = [body["kind"] for body in study.told("study_event")]
    assert kinds.index("paused") < kinds.index("resumed")


def test_an_unaided_reading_shows_nothing_of_the_model(page: Page) -> None:
    study = FakeStudy(arms=["unaided", "aided"], probability=True)
    begun(page, study)
    press(page, "m", "A", "4")
    expect(page.locator("#pc-map-tools")).to_be_hidden()
    expect(page.locator("#pc-verdicts")).to_be_empty()
    until(page, lambda: not coloured(page).any())
    assert "model" not in page.locator("#pc-lines").inner_text()
    press(page, "a", "Enter")
    on_screen(page, 2)
    assert all(mark["maps"] == {} for mark in saved(study)["findings"])
    assert study.told("study_answers") == []  # the aided case brought its own
    expect(page.locator("#pc-opinion")).to_have_text("With the model's maps.")
    expect(page.locator(".line small").first).to_have_text("model .72 (from .40)")


def test_the_map_can_be_hidden_changed_and_outlined(page: Page) -> None:
    study = FakeStudy(arms=["aided"])
    begun(page, study)
    filled = coloured(page)
    page.keyboard.down("X")
    until(page, lambda: not coloured(page).any())
    page.keyboard.up("X")
    until(page, lambda: np.array_equal(coloured(page), filled))
    press(page, "B")
    expect(page.locator("#pc-caption")).to_contain_text("map B of pleural effusion")
    until(page, lambda: not (coloured(page) & filled).all() and coloured(page).any())
    press(page, "m")
    until(page, lambda: not coloured(page).any())  # after the last map comes none
    press(page, "n", "A")
    expect(page.locator("#pc-caption")).to_have_text("map A of lung nodule: nothing above .50; highest .05")
    text = page.content().lower()
    assert "grad" not in page.locator("#pc-stage").inner_html().lower()
    assert "patch map" not in text.replace(page.locator("#pc-new-dialog").inner_html().lower(), "")


def test_the_list_of_cases_is_filtered_and_stepped_through(page: Page) -> None:
    study = FakeStudy(arms=["unaided", "unaided", "aided", "aided"], waiting={103, 104})
    begun(page, study)
    expect(page.locator("#pc-cases button")).to_have_count(4)
    expect(page.locator("#pc-cases button").last).to_be_disabled()
    expect(page.locator("#pc-cases li.hint").last).to_have_text("period 2")
    press(page, "j")
    on_screen(page, 2)
    press(page, "j")
    on_screen(page, 1)
    press(page, "a", "Enter")
    on_screen(page, 2)
    page.locator("#pc-filter").select_option("open")
    expect(page.locator("#pc-cases button")).to_have_count(1)
    page.locator("#pc-filter").select_option("done")
    expect(page.locator("#pc-cases button")).to_have_text(["case 1✓read"])
    press(page, "Escape", "a", "Enter")
    expect(page.locator("#pc-empty")).to_contain_text("The next cases open on")
    press(page, "Q")
    expect(page.locator("#pc-cards")).to_contain_text("2 of 4 read; the next cases open on")


def test_a_saved_reading_is_opened_again_and_revised(page: Page) -> None:
    study = FakeStudy(arms=["unaided", "unaided"])
    begun(page, study)
    press(page, "a", "Enter")
    on_screen(page, 2)
    press(page, "k")
    on_screen(page, 1)
    expect(page.locator("#pc-saved")).to_have_text("saved")
    press(page, "1", "Enter")
    on_screen(page, 2)
    assert [mark["presence"] for mark in saved(study)["findings"]] == ["present", "absent", "absent"]
    press(page, "k")
    expect(page.locator("#pc-saved")).to_have_text("saved, revision 2")


def test_maps_that_do_not_come_are_asked_for_again(page: Page, study: FakeStudy) -> None:
    study.failing.add("study_answers")
    begun(page, study)
    press(page, "a", "Enter")
    expect(page.locator("#pc-save-error")).to_contain_text("Save asks for the maps again")
    assert len(study.told("study_save")) == 1
    study.failing.clear()
    press(page, "Enter")
    expect(page.locator("#pc-caption")).to_contain_text("map A")
    assert len(study.told("study_save")) == 1


def test_a_case_that_cannot_be_opened_is_said(page: Page, study: FakeStudy) -> None:
    study.refusing["study_open"] = "The case is being made ready; try again in a minute."
    study.serve(page)
    page.keyboard.press("Enter")
    expect(page.locator("#pc-case-error")).to_have_text(study.refusing["study_open"])
    assert page.locator("#pc-save").is_hidden()


def test_whoever_has_no_study_is_told_so(page: Page) -> None:
    FakeStudy(arms=[]).serve(page)
    expect(page.locator("#pc-no-studies")).to_contain_text("Ask whoever leads it")
    expect(page.locator("#pc-new")).to_be_hidden()


def test_a_lead_makes_a_study(page: Page) -> None:
    study = FakeStudy(arms=["unaided"], role="lead")
    study.serve(page)
    page.locator("#pc-new").click()
    page.locator("#pc-new-name").fill('Effusion "A" or B')
    page.locator("#pc-new-folder").select_option("paediatric")
    page.locator("#pc-new-findings").fill("Effusion\nNodule\n")
    page.locator("#pc-new-arms").select_option("unaided,aided")
    page.locator("#pc-new-seed").fill("11")
    page.locator("#pc-new-truth").select_option("truth.csv")
    page.locator("#pc-new-boxes-table").select_option("boxes.csv")
    page.locator("#pc-new-form [type=submit]").click()
    making = page.locator("#pc-creations")
    expect(making).to_contain_text("reading films: 2 of 6")
    expect(making).to_contain_text("File 7: It is no radiograph.")
    study.states[1] = "made"
    expect(making).to_contain_text("Made, with 6 cases. All are ready.")
    made = study.told("study_create")[0]
    assert (made["truth"], made["boxes"]) == ("truth.csv", "boxes.csv")
    assert (made["name"], made["folder"]) == ('Effusion "A" or B', "paediatric")
    assert made["readers"] == ["Reader One", "Reader Two"]
    assert tomllib.loads(made["protocol"]) == {
        "title": 'Effusion "A" or B',
        "findings": ["Effusion", "Nodule"],
        "arms": ["unaided", "aided"],
        "maps": {"A": "patch", "B": "grad_cam"},
        "seed": 11,
        "washout_days": 28,
        "confidence": True,
        "probability": False,
        "boxes": "optional",
        "order": "random",
    }


def test_a_study_of_the_archive_is_begun_and_stopped(page: Page) -> None:
    study = FakeStudy(arms=["unaided"], role="lead")
    study.serve(page)
    page.locator("#pc-new").click()
    page.locator("#pc-new-name").fill("Fetched")
    page.locator("#pc-new-folder").select_option("manifest.csv")
    expect(page.locator("#pc-new-truth")).to_be_disabled()  # a manifest has it itself
    expect(page.locator("#pc-new-archive")).to_be_hidden()
    page.locator("#pc-new-folder").select_option("the archive")
    page.locator("#pc-new-archive").fill("modality=DX,date=20260102")
    page.locator("#pc-new-form [type=submit]").click()
    making = page.locator("#pc-creations")
    expect(making).to_contain_text("reading films: 2 of 6")
    made = study.told("study_create")[0]
    assert (made["folder"], made["truth"]) == ("DICOMWEB:modality=DX,date=20260102", "")
    page.reload()
    expect(making).to_contain_text("reading films: 2 of 6")
    making.get_by_role("button", name="stop").click()
    expect(making).to_contain_text("The study was stopped before it was made.")
    study.making.clear()  # as if the server had been restarted: of what has ended, nobody is told
    making.get_by_role("button", name="put away").click()
    expect(making.locator("li")).to_have_count(0)
    expect(page.locator("#pc-home-note")).to_be_empty()


def test_the_list_of_keys_is_whole(page: Page, study: FakeStudy) -> None:
    begun(page, study)
    press(page, "?")
    listed = page.locator("#pc-keys dd").all_inner_texts()
    assert {"save and go on", "present", "all others absent", "next map", "invert the film", "ruler"} <= set(
        listed
    )
    press(page, "Escape")
    expect(page.locator("#pc-help-dialog")).to_be_hidden()
    names = [finding["name"] for finding in FINDINGS]
    assert page.locator(".line .name").all_inner_texts() == names
