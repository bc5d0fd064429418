"""Pictures of a report: hits, misses and false alarms, each as image with boxes, patch map and Grad-CAM."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray

from patchclip.evaluate.case import Case
from patchclip.evaluate.map_metrics import box_mask, pointing
from patchclip.evaluate.render.words import GRAD_CAM
from patchclip.evaluate.truth import Reader, reader_of
from patchclip.image import load_radiograph
from patchclip.types import Box, FloatArray

Pixels = NDArray[np.uint8]
"""BGR, [H, W, 3]."""
PICTURE_SIZE = 224
"""Longer side of a picture in pixels."""
PICTURES_PER_GALLERY = 3
BOX_COLOUR = (94, 201, 98)
"""A green that no overlay colour comes near."""


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


def galleries(cases: Sequence[Case], label: str) -> list[Gallery]:
    """Hits (brightest point in a box) and misses by probability, and normal images with a region by peak."""
    reader = reader_of(label)
    hits: list[Case] = []
    misses: list[Case] = []
    alarms: list[Case] = []
    for case in cases:
        prediction = case.prediction
        if reader.boxed(case.image):
            mask = box_mask(case.boxes(reader), prediction.size)
            (hits if pointing(prediction.upsampled(label), mask) else misses).append(case)
        elif reader.normal(case.image) and prediction.regions(label):
            alarms.append(case)

    def probability(case: Case) -> float:
        return case.prediction.probability[label]

    def peak(case: Case) -> float:
        return float(case.prediction.maps[label].values.max())

    return [
        _gallery("Hits", sorted(hits, key=probability, reverse=True), reader),
        _gallery("Misses", sorted(misses, key=probability, reverse=True), reader),
        _gallery("False alarms on normal images", sorted(alarms, key=peak, reverse=True), reader),
    ]


def _gallery(title: str, cases: Sequence[Case], reader: Reader) -> Gallery:
    chosen = cases[:PICTURES_PER_GALLERY]
    return Gallery(
        f"{title} ({len(chosen)} of {len(cases)} shown)", [_picture(case, reader) for case in chosen]
    )


def _picture(case: Case, reader: Reader) -> Picture:
    label = reader.label
    prediction = case.prediction
    radiograph = load_radiograph(case.image.path)
    levels = np.round(radiograph.pixels * 255).astype(np.uint8)
    grey = np.asarray(cv2.cvtColor(levels, cv2.COLOR_GRAY2BGR), np.uint8)
    boxes = case.boxes(reader)
    patch_map = prediction.upsampled(label)
    saliency = prediction.saliency.get((GRAD_CAM, label))
    highest = float(prediction.maps[label].values.max())
    return Picture(
        image=_uri(_boxed(grey, boxes)),
        patch_map=_uri(_boxed(_overlaid(grey, patch_map), boxes)),
        saliency=_uri(_boxed(_overlaid(grey, saliency.upsample(*prediction.size)), boxes))
        if saliency
        else "",
        caption=f"{radiograph.sha256[:8]}, {case.image.view or 'view unknown'}: "
        f"P = {prediction.probability[label]:.2f}, highest patch {highest:.2f}",
    )


def _overlaid(grey: Pixels, values: FloatArray) -> Pixels:
    """Inferno over the image, opaque in proportion to the value, [H, W]: nothing is shown where that is 0."""
    colours = matplotlib.colormaps["inferno"](values)[..., 2::-1] * 255
    opacity = (0.65 * np.clip(values, 0, 1))[..., None]
    mixed: Pixels = np.round(grey * (1 - opacity) + colours * opacity).astype(np.uint8)
    return mixed


def _boxed(picture: Pixels, boxes: Sequence[Box]) -> Pixels:
    """Made small, with outlines of the boxes."""
    height, width = picture.shape[:2]
    scale = PICTURE_SIZE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    for box in boxes:
        start = (round(box.x * scale), round(box.y * scale))
        end = (round((box.x + box.w) * scale), round((box.y + box.h) * scale))
        cv2.rectangle(small, start, end, BOX_COLOUR, 1, cv2.LINE_AA)
    return np.asarray(small, np.uint8)


def _uri(picture: Pixels) -> str:
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 82])
    return "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode("ascii")
