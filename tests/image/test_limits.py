"""Limits that the environment sets: they hold here and in workers, and what cannot be one is said."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from patchclip import RadiographError, load_radiograph
from patchclip.image import limits
from patchclip.image.isolation import IsolationError, Limits, WorkerPool
from patchclip.image.limits import CPU_S, MEGAPIXELS, MEMORY_MB, WALL_S, WORKERS, Setting
from tests.image.dicoms import content, dicom
from tests.tiny import ROOT

SETTINGS = [value for value in vars(limits).values() if isinstance(value, Setting)]
WIDE = np.tile(np.arange(1300, dtype=np.uint16), (1000, 1))  # 1.3 million pixels


def test_the_readme_names_each_and_no_other() -> None:
    text = (ROOT / "patchclip" / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"\| `(PATCHCLIP_[A-Z_]+)` \|.*\| (.+) \|", text))
    assert set(rows) == {setting.variable for setting in SETTINGS}
    for setting in (MEGAPIXELS, MEMORY_MB, CPU_S, WALL_S):
        assert rows[setting.variable] == str(setting.default)


def test_pixels_are_counted_before_either_kind_of_file_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    _, png = cv2.imencode(".png", WIDE)
    files = (content(dicom(WIDE)), png.tobytes())
    for file in files:
        assert load_radiograph(file).size == (1000, 1300)
    monkeypatch.setenv(MEGAPIXELS.variable, "1")
    for file in files:
        with pytest.raises(RadiographError, match=r"more than 1 million\); export it at its original size"):
            load_radiograph(file)


def test_a_worker_keeps_the_limits_of_its_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "wide.dcm"
    path.write_bytes(content(dicom(WIDE)))
    monkeypatch.setenv(MEGAPIXELS.variable, "1")
    monkeypatch.setenv(MEMORY_MB.variable, "600")
    monkeypatch.setenv(CPU_S.variable, "7")
    monkeypatch.setenv(WALL_S.variable, "9")
    set_limits = WorkerPool(1).limits  # no worker runs yet
    assert (set_limits.memory_mb, set_limits.cpu_s, set_limits.wall_s) == (600, 7, 9)
    monkeypatch.setenv(WALL_S.variable, "50")
    with closing(WorkerPool(1)) as pool, pytest.raises(RadiographError, match="more than 1 million"):
        pool.run("read_radiograph", str(path), None, None)
    with (
        closing(WorkerPool(1, Limits(), module="tests.image.misbehaving")) as pool,
        pytest.raises(IsolationError, match="more than 600 MB of memory"),
    ):
        pool.run("grow", b"")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: str(setting.variable))
def test_what_is_no_limit_is_said(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    assert setting.least <= setting.value == setting.default <= setting.greatest
    for text in ("0", "-1", "1e9", "many", "1.5", str(setting.greatest + 1), "\u0663"):
        monkeypatch.setenv(setting.variable, text)
        with pytest.raises(
            RadiographError, match=f'^{setting.variable} is "{text}"; set it to a whole number'
        ):
            assert setting.value
    for text in ("", "  "):
        monkeypatch.setenv(setting.variable, text)
        assert setting.value == setting.default
    monkeypatch.setenv(setting.variable, f" {setting.greatest} ")
    assert setting.value == setting.greatest


def test_the_command_says_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from patchclip.__main__ import main
    from patchclip.image import isolation

    monkeypatch.setattr(isolation, "_pool", None)
    monkeypatch.setenv(WORKERS.variable, "none")
    assert main(["predict", "film.dcm", "--query", "effusion"]) == 1
    error = capsys.readouterr().err
    assert (
        error
        == f'error: {WORKERS.variable} is "none"; set it to a whole number from 1 to 64, or not at all.\n'
    )
