"""What is sent to be drawn: colours as published, numbers as computed."""

from __future__ import annotations

import matplotlib
import numpy as np

from app.drawing import colour_tables, map_reply
from patchclip import PatchMap


def test_colour_tables_are_matplotlibs() -> None:
    tables = colour_tables()
    assert next(iter(tables)) == "inferno"
    assert {"inferno", "viridis", "cividis", "blues"} == set(tables)
    for name in ("inferno", "viridis", "cividis"):
        expected = np.round(matplotlib.colormaps[name](np.arange(256))[:, :3] * 255)
        assert np.abs(np.array(tables[name]) - expected).max() <= 1


def test_every_colour_table_brightens_steadily() -> None:
    for name, table in colour_tables().items():
        luminance = np.array(table) @ [0.2126, 0.7152, 0.0722]
        assert np.diff(luminance).min() > -1.5, name


def test_a_map_is_sent_as_it_is_neither_stretched_nor_rounded() -> None:
    values = np.asarray(np.random.default_rng(2).random((5, 4), np.float32) / 3, np.float32)
    sent = map_reply(PatchMap(values, (-3.0, 0.0, 103.0, 100.0)))
    assert np.array_equal(np.array(sent.values, np.float32), values)
    assert sent.max == float(values.max())
    assert sent.extent == (-3.0, 0.0, 103.0, 100.0)
