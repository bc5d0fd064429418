"""Masks to outlines."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data.sample import Shape


def shapes_from_mask(label: str, mask: NDArray[Any]) -> tuple[Shape, ...]:
    """Outlines of a mask's parts.

    Args:
        label: of the vocabulary.
        mask: [H, W]; what is not zero belongs to the finding.

    Returns:
        A polygon for each connected part: its outer border through the centres of the border pixels, corners
            as fractions of the image,
        kept to half a pixel. Holes are filled: a patch in the hole of a ring counts as inside. A part that is
        one pixel wide, which has no inside, becomes its box.
    """
    height, width = mask.shape
    contours, _ = cv2.findContours((mask != 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    shapes = []
    for contour in contours:
        corners = cv2.approxPolyDP(contour, 0.5, closed=True)[:, 0, :]
        if len(corners) < 3:
            x, y, w, h = cv2.boundingRect(contour)
            shapes.append(Shape.box(label, x / width, y / height, w / width, h / height))
        else:
            shapes.append(
                Shape(label, tuple(((float(x) + 0.5) / width, (float(y) + 0.5) / height) for x, y in corners))
            )
    return tuple(shapes)
