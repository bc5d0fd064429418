"""The engine's contract, on an untrained model where wiring is asked and on the bundled one where truth
is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from patchclip import (
    CheckpointError,
    Encoded,
    Engine,
    PatchMap,
    QueryError,
    Radiograph,
    RadiographError,
    load_radiograph,
    question,
)
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.localize import smooth
from patchclip.model.branches import Branch
from patchclip.model.patchclip import Parts, PatchCLIP
from patchclip.operating_threshold import OPERATING_THRESHOLD, lit_regions
from patchclip.question import QuestionReader
from patchclip.text.query import Reading, parse_queries
from patchclip.text.vocabulary import Vocabulary
from patchclip.types import FloatArray
from tests.tiny import ROOT, tiny_checkpoint


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An untrained engine."""
    return Engine.from_pretrained(tiny_checkpoint(tmp_path_factory.mktemp("tiny")), device="cpu")


def wide() -> Radiograph:
    """A radiograph twice as wide as high."""
    pixels = synthetic_radiograph("effusion", size=256, seed=3).pixels
    return Radiograph.from_array(np.concatenate([pixels, pixels[:, ::-1]], axis=1))


def test_embeddings_are_unit_and_on_the_grid(tiny: Engine, effusion: Radiograph) -> None:
    encoded = tiny.encode(effusion)
    assert encoded.patches.shape[:2] == tiny.model.grid
    torch.testing.assert_close(encoded.patches.norm(dim=-1), torch.ones(tiny.model.grid), atol=1e-4, rtol=0)
    assert float(encoded.global_embedding.norm()) == pytest.approx(1, abs=1e-4)


def test_many_queries_at_once_equal_one_by_one(tiny: Engine, effusion: Radiograph) -> None:
    encoded = tiny.encode(effusion)
    texts = ["pleural effusion", "no pneumothorax", "mass in the left lung", "enlarged heart"]
    for text, together in zip(texts, tiny.query(encoded, texts), strict=True):
        alone = tiny.query(encoded, [text])[0]
        assert together.probability == pytest.approx(alone.probability, abs=1e-6)
        np.testing.assert_allclose(together.map.values, alone.map.values, atol=1e-6)


def test_negation_turns_the_probability_round_and_not_the_map(tiny: Engine, effusion: Radiograph) -> None:
    encoded = tiny.encode(effusion)
    for label in tiny.labels:
        name = tiny.vocabulary.finding(label).name
        asked, negated = tiny.query(encoded, [name, f"no {name}"])
        assert negated.negated and not asked.negated
        assert asked.require_probability() + negated.require_probability() == pytest.approx(1, abs=1e-6)
        assert (asked.map.values == negated.map.values).all()


def test_the_map_covers_the_image_whatever_its_shape(tiny: Engine) -> None:
    for radiograph in (wide(), Radiograph.from_array(np.ascontiguousarray(wide().pixels.T))):
        encoded = tiny.encode(radiograph)
        found = tiny.query(encoded, ["effusion"])[0]
        height, width = encoded.size
        x0, y0, x1, y1 = found.map.extent
        rows, cols = found.map.values.shape
        assert x0 <= 0 and y0 <= 0 and x1 >= width and y1 >= height
        assert (x1 - x0) / cols == pytest.approx((y1 - y0) / rows)
        for region in found.regions:
            assert region.x >= 0 and region.x + region.w <= width + 1e-6
            assert region.y >= 0 and region.y + region.h <= height + 1e-6


@pytest.mark.parametrize("shape", [(320, 200), (200, 320)])
def test_the_map_does_not_fade_at_padded_borders(tiny: Engine, shape: tuple[int, int]) -> None:
    """Patches that overhang the image show what the nearest patch in the image does; those in the image keep
    their own."""
    height, width = shape
    whole = synthetic_radiograph("effusion", size=320, seed=3).pixels
    encoded = tiny.encode(Radiograph.from_array(np.ascontiguousarray(whole[:height, :width])))
    shown = tiny.query(encoded, ["effusion"])[0].map
    valid = (
        encoded.letterbox.crop_grid(
            encoded.letterbox.valid_patches(*tiny.model.grid).astype(np.float32)
        ).values
        > 0
    )
    along = 0 if height > width else 1
    inside = np.flatnonzero(valid.all(axis=along))
    assert (inside[0], inside[-1]) == (1, valid.shape[1 - along] - 2)  # a patch overhangs at either side
    strips = shown.values if along == 0 else shown.values.T
    assert (strips[:, 0] == strips[:, 1]).all() and (strips[:, -1] == strips[:, -2]).all()
    assert strips.min() > 0
    raw = _square_map(tiny, encoded)
    assert np.allclose(shown.values[valid], encoded.letterbox.crop_grid(raw).values[valid], atol=1e-6)


@pytest.mark.parametrize("shape", [(1200, 30), (30, 1200)])
def test_an_image_too_narrow_for_any_patch_is_refused(tiny: Engine, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(RadiographError, match=r"too long and narrow .*; crop it to the chest\.$"):
        tiny.encode(Radiograph.from_array(rng.random(shape, np.float32)))


def test_map_and_probability_take_the_same_half(tiny: Engine, effusion: Radiograph) -> None:
    """On a grid with a middle column too, as the published models with 7 x 7 patches have."""
    calibration = replace(tiny.checkpoint.calibration, branches=(Branch.MIL,))
    engine = Engine(replace(tiny.checkpoint, calibration=calibration), device="cpu")
    encoded = engine.encode(effusion)
    rows, cols = encoded.embeddings.grid
    columns = torch.arange(rows * cols).reshape(rows, cols)[:, : cols - 1].flatten()
    narrow = replace(
        encoded.embeddings,
        patches=encoded.embeddings.patches[:, columns],
        tokens=encoded.embeddings.tokens[:, columns],
        valid=encoded.embeddings.valid[:, columns],
        grid=(rows, cols - 1),
    )
    assert (cols - 1) % 2 == 1
    queries = ["effusion", "left effusion", "right effusion"]
    whole, *halves = engine.query(replace(encoded, embeddings=narrow), queries)
    for half in halves:
        in_half = torch.from_numpy(half.map.values > 0).flatten()
        limited = replace(narrow, valid=narrow.valid & in_half)
        alone = engine.query(replace(encoded, embeddings=limited), ["effusion"])[0]
        assert half.probability == pytest.approx(
            min(whole.require_probability(), alone.require_probability()), abs=1e-6
        )
    assert min(half.require_probability() for half in halves) < whole.require_probability() - 1e-4


def test_regions_are_those_at_the_operating_threshold(tiny: Engine, effusion: Radiograph) -> None:
    """A patch at the threshold is lit, one just below it is not."""
    for answer in tiny.query(tiny.encode(effusion), ["effusion", "mass"]):
        assert answer.threshold == OPERATING_THRESHOLD == 0.5
    values = np.zeros((6, 6), np.float32)
    values[1, 1], values[4, 4] = 0.5, 0.499
    (region,) = lit_regions(PatchMap(values, (0.0, 0.0, 6.0, 6.0)), (6, 6), min_patches=0.0)
    assert region.score == 0.5 and region.peak == (1.5, 1.5)


@pytest.mark.parametrize(("text", "words"), [("", "empty"), ("   ", "empty"), ("x" * 6000, "6000")])
def test_queries_without_sense_are_refused(tiny: Engine, effusion: Radiograph, text: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        tiny.query(tiny.encode(effusion), [text])


def test_a_short_text_is_parsed_once_and_a_report_is_not_kept(
    tiny: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    def count(text: str, vocabulary: Vocabulary) -> Reading:
        parsed.append(text)
        return parse_queries(text, vocabulary)

    monkeypatch.setattr(question, "parse_queries", count)
    reader = QuestionReader(tiny.model, tiny.vocabulary, tiny._reader.gate)
    report = "There is a small pleural effusion at the left base. " * 3
    for text in ("left effusion", report):
        assert [reader.read(text) == reader.read(text), reader.reading(text).text] == [True, text]
    assert parsed == ["left effusion", report, report, report]


def test_out_of_vocabulary_lights_nothing_and_warns(tiny: Engine, effusion: Radiograph) -> None:
    for found in tiny.query(tiny.encode(effusion), ["fractured femur", "cat"]):
        assert not found.in_vocabulary and found.probability is None
        with pytest.raises(QueryError, match="has no probability"):
            found.require_probability()
        assert found.map.values.max() == 0 and found.regions == ()
        assert "far from what this model has learnt" in found.warnings[0]


def test_a_missing_checkpoint_says_where(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="model"):
        Engine.from_pretrained(tmp_path / "nothing")


def test_bundled_nodule_lies_where_it_was_drawn(engine: Engine) -> None:
    """On synthetic chests the map peaks in the drawn nodule, and mirrors with it."""
    for seed in (0, 1, 2, 3):
        drawn = synthetic_radiograph("nodule", size=512, seed=seed)
        for mirrored in (False, True):
            pixels, lesion = (
                np.ascontiguousarray(item[:, ::-1]) if mirrored else item
                for item in (drawn.pixels, drawn.lesion)
            )
            found = engine.query(engine.encode(Radiograph.from_array(pixels)), ["lung nodule"])[0]
            rows, cols = found.map.values.shape
            row, col = np.unravel_index(int(found.map.values.argmax()), found.map.values.shape)
            y, x = round((row + 0.5) / rows * 512), round((col + 0.5) / cols * 512)
            assert lesion[y - 16 : y + 16, x - 16 : x + 16].any(), (seed, mirrored)


def test_bundled_model_knows_what_it_was_drawn(engine: Engine) -> None:
    """The drawn finding scores above the same finding on a chest without it."""
    healthy = [_drawn(engine, "none", seed) for seed in range(3)]
    for lesion, query in (
        ("nodule", "lung nodule"),
        ("cardiomegaly", "enlarged heart"),
        ("effusion", "pleural effusion"),
    ):
        diseased = [_drawn(engine, lesion, seed) for seed in range(3)]
        sick, well = (
            np.mean([engine.query(encoded, [query])[0].require_probability() for encoded in chests])
            for chests in (diseased, healthy)
        )
        assert sick > well, lesion


def test_bundled_model_tells_radiographs_apart(engine: Engine) -> None:
    """NIH's effusion, an opacity of the left lung, beside a film without a finding."""
    ill, well = (
        engine.encode(load_radiograph(ROOT / "assets" / "examples" / f"nih_{name}.jpg"))
        for name in ("effusion", "normal")
    )
    for query in ("pleural effusion", "lung opacity"):
        with_it, without = (engine.query(encoded, [query])[0] for encoded in (ill, well))
        assert with_it.require_probability() > 0.25 > 0.1 > without.require_probability(), query
        assert with_it.map.values.max() > 0.5 > 0.1 > without.map.values.max(), query


def test_bundled_synonyms_agree(engine: Engine, effusion: Radiograph) -> None:
    encoded = engine.encode(effusion)
    first, *others = engine.query(
        encoded, ["pleural effusion", "fluid in the pleural space", "is there any pleural fluid?"]
    )
    for other in others:
        assert other.label == first.label == "Effusion"
        assert other.probability == pytest.approx(first.probability, abs=1e-6)


def test_bundled_dicom_example_is_its_picture(engine: Engine) -> None:
    """The DICOM and the PNG of one synthetic chest answer alike."""
    folder = ROOT / "assets" / "examples"
    dicom = engine.query(
        engine.encode(load_radiograph(folder / "synthetic_effusion_dicom.dcm")), ["effusion"]
    )[0]
    drawn = Radiograph.from_array(synthetic_radiograph("effusion", size=512, seed=5).pixels)
    picture = engine.query(engine.encode(drawn), ["effusion"])[0]
    assert dicom.probability == pytest.approx(picture.probability, abs=0.1)
    assert np.corrcoef(dicom.map.values.ravel(), picture.map.values.ravel())[0, 1] > 0.9


def test_bundled_checkpoints_are_small_and_no_pickle() -> None:
    files = [path for path in (ROOT / "assets").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 60_000_000
    weights = {path.parent.name: path.stat().st_size for path in files if path.name == "model.safetensors"}
    assert {"patchclip-cxr-s", "patchclip-cxr-s-twin", "patchclip-cxr-b"} <= weights.keys()
    assert max(weights.values()) < 40_000_000
    assert not [path for path in files if path.suffix in (".pt", ".pth", ".pkl", ".bin")]


@pytest.mark.parametrize(
    ("name", "query"), [("nih_1.dcm", "pleural effusion"), ("rsna_jpeg_baseline.dcm", "cardiomegaly")]
)
def test_real_dicom_is_answered(engine: Engine, data_folder: Path, name: str, query: str) -> None:
    found = engine.query(engine.encode(load_radiograph(data_folder / "dicom" / name)), [query])[0]
    assert 0 < found.require_probability() < 1
    assert found.map.values.shape == engine.model.grid


def test_real_negatives_light_nothing_more_often_than_not(engine: Engine, data_folder: Path) -> None:
    """On radiographs that three readers called normal, most of the maps are dark at the operating point."""
    import pandas as pd

    table = pd.read_csv(data_folder / "nih" / "images.csv", dtype=str, keep_default_na=False)
    normal = table[(table["split"] == "val") & (table["rsna_class"] == "Normal")]["image"][:12]
    names = [
        engine.vocabulary.finding(label).name
        for label in ("Effusion", "Cardiomegaly", "Lung Opacity", "Mass")
    ]
    lit = [
        bool(found.regions)
        for image in normal
        for found in engine.query(
            engine.encode(load_radiograph(data_folder / "nih" / "images" / image)), names
        )
    ]
    assert np.mean(lit) < 0.2


def test_no_answer_stands_on_the_sparse_branch(tiny: Engine, effusion: Radiograph) -> None:
    """It is a training objective alone: a model without it answers the same."""
    parts = {name: getattr(tiny.model, name) for name in Parts.__dataclass_fields__}
    without = PatchCLIP(tiny.model.config, Parts(**{**parts, "sparse": None})).eval()
    other = Engine(replace(tiny.checkpoint, model=without), device="cpu")
    queries = ["effusion", "mass on the left", "no nodule"]
    answers, others = (engine.query(engine.encode(effusion), queries) for engine in (tiny, other))
    for one, two in zip(answers, others, strict=True):
        assert one.probability == two.probability and (one.map.values == two.map.values).all()


def _square_map(engine: Engine, encoded: Encoded) -> FloatArray:
    """Of "effusion", [R, C] over the whole square, padding and all."""
    calibration = engine.checkpoint.calibration.of("Effusion")
    task = engine.saliency_task(encoded, ["effusion"])
    grid = encoded.embeddings.grid
    with torch.inference_mode():
        logits = engine.model.pair_logits(encoded.embeddings.patches, task.positive, task.negative)[0, :, 0]
    smoothed = smooth(logits.reshape(grid).numpy(), calibration.smoothing, task.valid[0].numpy())
    assert calibration.patch_image == 0  # the image's logit has no part in the map of this checkpoint
    return calibration.patch_probability(smoothed, 0.0)


def _drawn(engine: Engine, lesion: str, seed: int) -> Encoded:
    pixels = cv2.GaussianBlur(synthetic_radiograph(lesion, size=512, seed=seed).pixels, (0, 0), 0.5)
    return engine.encode(Radiograph.from_array(pixels))
