"""How much damage within a JPEG is noticed: python -m tests.benchmarks.jpeg_damage.

A generated chest in each kind of JPEG that DICOM files and pictures hold; in the data between its header and
its end one bit is turned, 20 bytes are replaced, or up to 40 are missing. Of the damaged images, those count
that a decoder makes another picture of, without an error.
"""

from __future__ import annotations

import argparse
import io
from collections import Counter

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binomtest

from patchclip.image.codestream import read_header
from patchclip.image.entropy import is_damaged
from patchclip.image.synthetic import synthetic_radiograph

DAMAGES = ("one bit", "20 bytes", "a gap")


def main() -> None:
    """Prints counts with exact binomial 95 % intervals."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200, help="damaged images of each kind (default: 200)")
    count = parser.parse_args().count
    sums: Counter[tuple[str, str]] = Counter()
    for kind, stream in streams().items():
        for damage in DAMAGES:
            noticed, drawn = measure(stream, damage, count)
            sums[damage, "noticed"] += noticed
            sums[damage, "drawn"] += drawn
            print(f"{kind:18} {damage:9} noticed {_interval(noticed, drawn)}")
    for damage in DAMAGES:
        print(
            f"{'all kinds':18} {damage:9} noticed {_interval(sums[damage, 'noticed'], sums[damage, 'drawn'])}"
        )


def streams() -> dict[str, bytes]:
    """The same picture in each kind of JPEG."""
    chest = synthetic_radiograph("effusion", size=512, seed=3).pixels
    eight, twelve = np.round(chest * 255).astype(np.uint8), np.round(chest * 4095).astype(np.uint16)
    return {
        "baseline": bytes(imagecodecs.jpeg8_encode(eight)),
        "baseline, colour": _pillow(eight, "RGB"),
        "progressive": _pillow(eight, "L", progressive=True),
        "extended, 12 bits": bytes(imagecodecs.jpeg8_encode(twelve, bitspersample=12)),
        "lossless, 8 bits": bytes(imagecodecs.jpeg8_encode(eight, lossless=True)),
        "lossless, 16 bits": bytes(imagecodecs.jpeg8_encode(twelve, lossless=True)),
    }


def measure(stream: bytes, damage: str, count: int) -> tuple[int, int]:
    """How many damaged images are noticed, of how many that a decoder makes another picture of."""
    random = np.random.default_rng([0, DAMAGES.index(damage)])
    whole = imagecodecs.jpeg8_decode(stream)
    noticed = drawn = 0
    for _ in range(count):
        damaged = _damaged(stream, damage, random)
        try:
            picture = imagecodecs.jpeg8_decode(damaged)
        except (RuntimeError, ValueError):
            continue
        header = read_header(damaged)
        if header is not None and not np.array_equal(picture, whole):
            drawn += 1
            noticed += is_damaged(damaged, header)
    return noticed, drawn


def _damaged(stream: bytes, damage: str, random: np.random.Generator) -> bytes:
    changed, start = bytearray(stream), stream.index(b"\xff\xda") + 14
    place = int(random.integers(start, len(stream) - 64))
    if damage == "one bit":
        changed[place] ^= 1 << int(random.integers(8))
    elif damage == "20 bytes":
        changed[place : place + 20] = random.bytes(20)
    else:
        del changed[place : place + int(random.integers(1, 41))]
    return bytes(changed)


def _pillow(values: NDArray[np.uint8], mode: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


def _interval(count: int, total: int) -> str:
    interval = binomtest(count, total).proportion_ci(0.95, "exact")
    return f"{count} of {total} ({count / total:.0%}; 95 % CI {interval.low:.0%} to {interval.high:.0%})"


if __name__ == "__main__":
    main()
