"""A planted source effect is found and taken out, and what is no source's is left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from patchclip.image.geometry import Letterbox
from patchclip.model.branches import Branch
from trainer.calibrate.calibration import OperatingPoint, fit_calibration
from trainer.calibrate.site import image_logits
from trainer.calibrate.sources import cross_fitted, fit_sources, lines, shortcuts
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample, State
from trainer.fit.validation import DevLogits

LABELS = ["Effusion", "Fibrosis", "Mass", "Pneumothorax"]


def planted(
    names: tuple[str, ...], added: dict[str, tuple[float, ...]], each: int = 400, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """Logits, states, sources and patients: a finding adds 2 to its logit, a source what it is given."""
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(len(names)), each)
    table = (rng.random((len(number), len(LABELS))) < 0.3).astype(np.int8)
    logits = rng.normal(size=table.shape) + 2.0 * table
    for label, values in added.items():
        logits[:, LABELS.index(label)] += np.array(values)[number]
    table[(table == 0) & (rng.random(table.shape) < 0.5)] = 2  # absent, or not mentioned
    sources = [names[n] for n in number]
    return logits.astype(np.float32), table, sources, [f"{n // 2}" for n in range(len(number))]


def free(table: np.ndarray, label: str) -> np.ndarray:
    return np.asarray(table[:, LABELS.index(label)] != 1)


@pytest.mark.parametrize(
    ("names", "added"),
    [
        (("a", "b"), {"Fibrosis": (0.0, 2.5), "Mass": (1.5, 0.0), "Pneumothorax": (0.0, 6.0)}),
        (
            ("a", "b", "c"),
            {"Fibrosis": (0.0, 2.5, 0.0), "Mass": (0.0, 0.0, 6.0), "Effusion": (0.0, 6.0, 0.0)},
        ),
    ],
)
def test_a_source_can_no_longer_be_told(names: tuple[str, ...], added: dict[str, tuple[float, ...]]) -> None:
    """On patients that had no part in the fit; the ranking within a source stays nearly what it was, and
    least that of a finding that tells the source itself."""
    logits, table, cohorts, _ = planted(names, added)
    sources = fit_sources(logits, table, cohorts, LABELS)
    assert sources is not None and sources.names == names
    for shifts in sources.shifts.values():
        assert sum(shifts) == pytest.approx(0, abs=1e-6)
    logits, table, cohorts, patients = planted(names, added, seed=1)
    corrected = sources.corrected(logits, LABELS)
    for label in added:
        k, without = LABELS.index(label), free(table, label)
        for name in names:
            here = np.array(cohorts) == name
            told = roc_auc_score(here[without], corrected[without, k])
            assert told == pytest.approx(0.5, abs=0.12)
            kept = [
                roc_auc_score(~free(table, label)[here], values[here, k]) for values in (logits, corrected)
            ]
            assert kept[1] > kept[0] - (0.03 if label == "Fibrosis" else 0.08)
    most = max(
        abs(
            roc_auc_score((np.array(cohorts) == names[-1])[free(table, label)], logits[free(table, label), k])
            - 0.5
        )
        for k, label in enumerate(LABELS)
        if label in added
    )
    assert most > 0.25
    fitted = cross_fitted(logits, table, cohorts, patients, LABELS)
    assert fitted is not None
    found = shortcuts(logits, fitted, table, cohorts, LABELS, names)
    assert set(found) == set(names[1:]) and set(found[names[1]]) == set(LABELS)
    assert all(abs(after - 0.5) < 0.12 for rows in found.values() for _, after in rows.values())
    before, after = found[names[1]]["Fibrosis"]
    assert (
        before > 0.8
        and f"Fibrosis tells {names[1]}: AUROC {before:.2f}, corrected {after:.2f}" in "".join(lines(found))
    )


def test_a_calibration_of_two_sources_is_of_corrected_logits(tmp_path: Path) -> None:
    """Operating points and biases are fitted to what an answer is made of; one source changes nothing."""
    logits, table, cohorts, patients = planted(
        ("a", "b"), {"Fibrosis": (0.0, 2.0), "Mass": (0.0, 6.0)}, each=60
    )
    table[::3] = 0  # free of all
    items = [
        Loaded(
            np.zeros((8, 8), np.uint8),
            Letterbox(8, 8, 8),
            Sample(tmp_path / f"{n}.png", patient, cohort, states_of(row)),
        )
        for n, (patient, cohort, row) in enumerate(zip(patients, cohorts, table, strict=True))
    ]
    maps = np.repeat(logits[:, :, None], 4, axis=2).reshape(*logits.shape, 2, 2)
    given = DevLogits({Branch.MIL: logits}, maps)
    fitted = fit_calibration(given, items, LABELS, (Branch.MIL,), OperatingPoint())
    sources = fit_sources(logits, table, cohorts, LABELS)
    assert sources is not None and fitted.sources == sources
    assert image_logits(given, fitted, LABELS) == pytest.approx(sources.corrected(logits, LABELS))
    first = DevLogits({Branch.MIL: logits[:60]}, maps[:60])
    alone = fit_calibration(first, items[:60], LABELS, (Branch.MIL,), OperatingPoint())
    assert alone.sources is None and image_logits(first, alone, LABELS) == pytest.approx(logits[:60])
    kept = fit_calibration(first, items[:60], LABELS, (Branch.MIL,), OperatingPoint(), (), sources)
    assert kept.sources == sources
    shift = sources.corrected(logits[:60], LABELS) - logits[:60]
    after, before = kept.of("Fibrosis"), alone.of("Fibrosis")
    assert after.image_bias - before.image_bias == pytest.approx(
        -after.image_scale * float(shift[:, 1].mean()), abs=0.25
    )


def states_of(row: np.ndarray) -> dict[str, State]:
    return {
        label: (State.ABSENT, State.PRESENT, State.NOT_MENTIONED)[code]
        for label, code in zip(LABELS, row, strict=True)
    }


def test_one_source_or_too_few_images_move_nothing() -> None:
    logits, table, cohorts, patients = planted(("a", "b"), {"Fibrosis": (0.0, 2.0)})
    one = [n for n, name in enumerate(cohorts) if name == "a"]
    few = one + [n for n, name in enumerate(cohorts) if name == "b"][:49]
    for chosen in (one, few):
        names = [cohorts[n] for n in chosen]
        assert fit_sources(logits[chosen], table[chosen], names, LABELS) is None
        assert (
            cross_fitted(logits[chosen], table[chosen], names, [patients[n] for n in chosen], LABELS) is None
        )
    scarce = [*few, len(one) + 49]  # enough for a fit, not for one on four fifths of them
    names = [cohorts[n] for n in scarce]
    assert fit_sources(logits[scarce], table[scarce], names, LABELS) is not None
    assert cross_fitted(logits[scarce], table[scarce], names, [patients[n] for n in scarce], LABELS) is None


def test_a_finding_that_nearly_all_images_of_a_source_have_is_not_moved() -> None:
    """Nothing tells what the source adds where no image is free of the finding."""
    logits, table, cohorts, _ = planted(("a", "b"), {"Fibrosis": (0.0, 2.0), "Mass": (0.0, 2.0)})
    table[np.flatnonzero(np.array(cohorts) == "b")[20:], LABELS.index("Mass")] = 1
    sources = fit_sources(logits, table, cohorts, LABELS)
    assert sources is not None and "Mass" not in sources.shifts
    assert sources.shifts["Fibrosis"][1] - sources.shifts["Fibrosis"][0] > 1.5
