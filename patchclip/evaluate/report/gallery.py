"""Pictures of a report: hits, misses and false alarms, each as image with boxes, patch map and Grad-CAM."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray

from patchclip.evaluate.maps import box_mask, pointing
from patchclip.evaluate.predictions import Prediction
from patchclip.evaluate.score import Pair, reader_of, shown_regions
from patchclip.image import load_radiograph
from patchclip.types import PatchMap

SIDE = 224
EACH = 3
BOX = (94, 201, 98)  # a green that no overlay colour comes near


@dataclass(frozen=True, slots=True)
class Picture:
    """One image of a gallery.

    Attributes:
        image, patch_map, saliency: data URIs; saliency is "" where there is none.
        caption: what the model said; the image is named by the start of its pixel hash, never by its file.
    """

    image: str
    patch_map: str
    saliency: str
    caption: str


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures of one finding of one kind."""

    title: str
    pictures: list[Picture]


def galleries(pairs: Sequence[Pair], label: str, saliency: str | None = "grad_cam") -> list[Gallery]:
    """Up to three of each: the likeliest hits (brightest point in a box), the likeliest misses, and the brightest maps of normal images."""
    reader = reader_of(label)
    hits: list[tuple[float, Pair]] = []
    misses: list[tuple[float, Pair]] = []
    alarms: list[tuple[float, Pair]] = []
    for image, prediction in pairs:
        peak = float(prediction.maps[label].values.max())
        if (reader.source, label) in image.boxes:
            upsampled = prediction.maps[label].upsample(*prediction.size)
            hit = pointing(upsampled, box_mask(reader.boxes(image, prediction.size), prediction.size))
            (hits if hit else misses).append((prediction.probability[label], (image, prediction)))
        elif reader.normal(image) and shown_regions(prediction, label):
            alarms.append((peak, (image, prediction)))
    made: list[Gallery] = []
    for title, rows in (("Hits", hits), ("Misses", misses), ("False alarms on normal images", alarms)):
        chosen = sorted(rows, key=lambda row: -row[0])[:EACH]
        made.append(
            Gallery(
                f"{title} ({len(chosen)} of {len(rows)} shown)",
                [_picture(pair, label, saliency) for _, pair in chosen],
            )
        )
    return made


def _picture(pair: Pair, label: str, saliency: str | None) -> Picture:
    image, prediction = pair
    radiograph = load_radiograph(image.path)
    grey = np.asarray(
        cv2.cvtColor(np.round(radiograph.pixels * 255).astype(np.uint8), cv2.COLOR_GRAY2BGR), np.uint8
    )
    boxes = reader_of(label).boxes(image, prediction.size)
    other = prediction.saliency.get((saliency, label)) if saliency else None
    peak = float(prediction.maps[label].values.max())
    return Picture(
        image=_uri(_boxed(grey, boxes)),
        patch_map=_uri(_boxed(_overlaid(grey, prediction.maps[label], prediction), boxes)),
        saliency=_uri(_boxed(_overlaid(grey, other, prediction), boxes)) if other is not None else "",
        caption=f"{radiograph.sha256[:8]}, {image.view or 'view unknown'}: P = {prediction.probability[label]:.2f}, highest patch {peak:.2f}",
    )


def _overlaid(grey: NDArray[np.uint8], shown: PatchMap, prediction: Prediction) -> NDArray[np.uint8]:
    """Inferno over the image, opaque in proportion to the value: nothing is shown where the map is 0."""
    values = shown.upsample(*prediction.size)
    colours = matplotlib.colormaps["inferno"](values)[..., 2::-1] * 255
    opacity = (0.65 * np.clip(values, 0, 1))[..., None]
    mixed: NDArray[np.uint8] = np.round(grey * (1 - opacity) + colours * opacity).astype(np.uint8)
    return mixed


def _boxed(
    picture: NDArray[np.uint8], boxes: Sequence[tuple[float, float, float, float]]
) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    small = cv2.resize(
        picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    for x, y, w, h in boxes:
        cv2.rectangle(
            small,
            (round(x * scale), round(y * scale)),
            (round((x + w) * scale), round((y + h) * scale)),
            BOX,
            1,
            cv2.LINE_AA,
        )
    return np.asarray(small, np.uint8)


def _uri(picture: NDArray[np.uint8]) -> str:
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 82])
    return "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode("ascii")
