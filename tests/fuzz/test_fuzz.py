"""A few hundred damaged files in the default suite, of the ten thousand that `make fuzz N=10000` reads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patchclip import RadiographError, list_images, load_entry
from patchclip.image.isolation import IsolationError, Limits
from tests.fuzz.mutate import VALUES, mutated, set_raw
from tests.fuzz.run import Report, run
from tests.fuzz.seeds import seeds
from tests.image.dicoms import CHEST, content, dicom

CORPUS = seeds()
SMALL = np.round(CHEST[::4, ::4] * 4000).astype(np.uint16)
QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def read(data: bytes) -> None:
    """Lists and opens in a worker; an image or one declared sentence, else it fails."""
    try:
        listing = list_images(data, isolated=True)
        image = load_entry(listing.entries[0], data, isolated=True)
    except IsolationError:
        raise
    except RadiographError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
    else:
        assert image.pixels.min() >= 0 and image.pixels.max() <= 1


def test_three_hundred_damaged_files_end_in_an_image_or_a_sentence() -> None:
    corpus = list(CORPUS.values())
    report = run(range(300), lambda number: mutated(corpus, number))
    assert report.is_clean, str(report)
    assert report.cases == 300 and report.read > 50 and report.refused > 100, str(report)


def test_whole_files_are_read() -> None:
    """Else the fuzzer would damage what is refused as it is."""
    made = [name for name in CORPUS if "/" not in name][:41]
    report = run(range(len(made)), lambda number: CORPUS[made[number]])
    assert report.is_clean and report.read == len(made), str(report)


@pytest.mark.parametrize("byte", range(5))
def test_the_fuzzer_finds_what_it_is_there_for(byte: int) -> None:
    report = run(
        [7], lambda _: bytes([byte]), 1, Limits(memory_mb=500, cpu_s=0.5), module="tests.fuzz.broken_worker"
    )
    expected = {0: "death", 1: "time", 2: "memory", 3: "unforeseen"}
    assert report.failures == ({expected[byte]: [7]} if byte in expected else {})
    assert report.is_clean is (byte == 4) and report.refused == int(byte == 4)
    if byte == 3:
        assert "1 undeclared exceptions" in str(report) and "KeyError at broken_worker.py" in str(report)


def test_failures_are_told_with_their_exact_intervals() -> None:
    """Against the closed forms of the interval at none and at all of n: 1 - .025^(1/n) and .025^(1/n)."""
    lines = str(Report(cases=10_000, read=3195, refused=6805)).splitlines()
    assert f"0 process deaths (exact 95 % CI 0.000% to {1 - 0.025**1e-4:.3%})" in lines
    lines = str(Report(cases=20, failures={"time": list(range(20))})).splitlines()
    assert f"20 over the time limit (exact 95 % CI {0.025 ** (1 / 20):.3%} to 100.000%)" in lines


def test_a_case_is_the_same_each_time() -> None:
    corpus = list(CORPUS.values())
    assert mutated(corpus, 5) == mutated(list(seeds().values()), 5)
    assert mutated(corpus, 5) != mutated(corpus, 6) and mutated(corpus, 5, seed=1) != mutated(corpus, 5)


MARKS = st.sampled_from(
    [
        b"",
        bytes(128) + b"DICM",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"II*\0",
        b"BM",
        b"PK\x03\x04",
        b"\x1f\x8b",
    ]
)


@QUICK
@given(MARKS, st.binary(max_size=400))
def test_any_bytes_end_in_an_image_or_a_sentence(mark: bytes, rest: bytes) -> None:
    read(mark + rest)


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, of what is written on purpose
@QUICK
@given(st.dictionaries(st.sampled_from(sorted(VALUES)), st.integers(0, 7), max_size=5))
def test_headers_that_contradict_the_pixels_end_in_an_image_or_a_sentence(choices: dict[str, int]) -> None:
    dataset = dicom(SMALL)
    for keyword, choice in choices.items():
        set_raw(dataset, keyword, VALUES[keyword][choice % len(VALUES[keyword])])
    read(content(dataset))
