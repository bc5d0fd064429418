"""Damage within the entropy-coded data of a JPEG image, of which decoders make a picture without a word.

A damaged Huffman code is read on as another one: what follows is shifted, lighter, darker or noise, and the
decoders that are used here drop libjpeg's warnings. What is noticed is that the data end before the picture
does, or go on after it, or hold a code or marker that none may; not, that a picture of the right length has
other pixels. `python -m tests.benchmarks.jpeg_damage` counts how much is.
"""

from __future__ import annotations

import imagecodecs
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from patchclip.image.codestream import CodeStream

DAMAGED_WITHIN = (
    "The compressed image is damaged within: parts of the picture may be wrong or missing; "
    "export it again from its source."
)
_FILLINGS = (b"\x55" * 64, b"\xb3" * 64)
"""Bytes that no two decoders' states make the same pixels of."""


def is_damaged(stream: bytes, header: CodeStream) -> bool:
    """Whether a JPEG that is decoded without an error shows signs of damage all the same.

    Args:
        stream: the code stream up to its end marker, or beyond.
        header: its own.
    """
    if header.precision == 8 and not header.lossless:
        return _is_reported(stream, header)
    return _is_of_another_length(stream)


def _is_reported(stream: bytes, header: CodeStream) -> bool:
    """Whether libjpeg warns of it (simplejpeg, which raises on warnings)."""
    colours = {1: "GRAY", 3: "RGB", 4: "CMYK"}.get(header.components)
    if colours is None:
        return False
    try:
        simplejpeg.decode_jpeg(stream, colours, strict=True)
    except ValueError:
        try:
            simplejpeg.decode_jpeg(stream, colours, strict=False)
        except ValueError:  # of a kind that it does not read, damaged or not
            return False
        return True
    return False


def _is_of_another_length(stream: bytes) -> bool:
    """Whether data end before the picture or go on after it, where no library says so (12 bits, lossless).

    What follows whole data is never looked at: a picture that changes with it has too few. The last byte of
    whole data is: a picture that stays whatever is put there has too many.
    """
    end = stream.rfind(b"\xff\xd9")
    data, marker = stream[:end].rstrip(b"\xff"), stream[end:]
    without_last = data[:-2] if data.endswith(b"\xff\x00") else data[:-1]
    picture = _decoded(stream)
    if not _same(picture, _decoded(data + _FILLINGS[0] + marker)):
        return True
    return all(_same(picture, _decoded(without_last + filling + marker)) for filling in _FILLINGS)


def _decoded(stream: bytes) -> NDArray[np.generic] | None:
    try:
        return np.asarray(imagecodecs.jpeg8_decode(stream))
    except (RuntimeError, ValueError):
        return None


def _same(first: NDArray[np.generic] | None, second: NDArray[np.generic] | None) -> bool:
    return first is not None and second is not None and np.array_equal(first, second)
