"""What a radiograph is: pixels in [0, 1], black = air, with non-identifying header facts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from patchclip.errors import RadiographError
from patchclip.image.grey import GreyValues
from patchclip.image.orientation.verdict import Sides
from patchclip.image.pixelwise import quantised
from patchclip.image.polarity import SENTENCES as POLARITY
from patchclip.image.spacing import PixelSpacing
from patchclip.types import FloatArray, Laterality

SMALL_SIDE = 256  # below this a nodule is a handful of pixels
LARGEST_SIDE = 20_000
INVERTED_BY_READER = "The reader exchanged black and white in this picture."


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What a header says of the image, never of the person.

    Attributes:
        view: "PA", "AP", "LL", ... as in DICOM's View Position, or None.
        patient_left: the side of the image on which the patient's left lies; "right" unless the header
            says otherwise, or side letters in the picture that were followed.
        sides_told: whether they say so at all; else it is the usual display.
        modality: "DX", "CR", ... or None.
        body_part: as in the header, or None.
        windows: the header's VOI LUTs and windows by name, for the reader to choose from.
        window: the place in `windows` of the one in use, None for an automatic one.
        pixel_ratio: height over width of a stored pixel; where it is not 1, pixels were resampled to
            square ones.
        spacing: the length of a pixel as shown, or None where nothing says it.
    """

    view: str | None = None
    patient_left: Laterality = "right"
    sides_told: bool = False
    modality: str | None = None
    body_part: str | None = None
    windows: tuple[str, ...] = ()
    window: int | None = None
    pixel_ratio: float = 1.0
    spacing: PixelSpacing | None = None

    def with_sides(self, sides: Sides) -> HeaderFacts:
        """The same with a verdict on the patient's sides."""
        return replace(self, patient_left=sides.patient_left, sides_told=sides.source != "display")


@dataclass(frozen=True, slots=True)
class Radiograph:
    """A radiograph ready to be shown or encoded.

    Attributes:
        pixels: float32 [H, W] in [0, 1], black = air.
        facts: see `HeaderFacts`.
        warnings: sentences for the reader.
        outside: bool [H, W], pixels that show nothing (padding, shutters) and are black, or None.
        grey: the file's own values, for another window than `pixels` were made with; None of a bare array.
    """

    pixels: FloatArray
    facts: HeaderFacts = field(default_factory=HeaderFacts)
    warnings: tuple[str, ...] = ()
    outside: NDArray[np.bool_] | None = None
    grey: GreyValues | None = None

    @classmethod
    def from_array(
        cls,
        pixels: NDArray[np.generic],
        facts: HeaderFacts | None = None,
        warnings: Sequence[str] = (),
        outside: NDArray[np.bool_] | None = None,
        grey: GreyValues | None = None,
    ) -> Radiograph:
        """Checks an array [H, W] of values in [0, 1] and takes it as float32.

        Raises:
            RadiographError: not two-dimensional, empty, not finite, outside [0, 1], or of one value
                throughout.
        """
        if pixels.ndim != 2 or 0 in pixels.shape:
            raise RadiographError(
                f"The image has shape {pixels.shape}; give one frame of grey values [height, width]."
            )
        if max(pixels.shape) > LARGEST_SIDE:
            raise RadiographError(
                f"The image is {max(pixels.shape)} pixels long; "
                f"the largest that can be read is {LARGEST_SIDE}."
            )
        values = np.ascontiguousarray(pixels, np.float32)
        low, high = float(values.min()), float(values.max())  # not a number if one of them is none
        if not (low >= 0 and high <= 1):
            raise RadiographError(
                "The grey values are not all in [0, 1]; scale them before making a radiograph of them."
            )
        if np.float32(high) - np.float32(low) < 1e-6:
            raise RadiographError(
                "The image is blank: every pixel has the same value; export it again from its source."
            )
        said = list(warnings)
        if min(values.shape) < SMALL_SIDE:
            said.append(
                f"The image is only {values.shape[1]} x {values.shape[0]} pixels; "
                "small findings cannot be seen."
            )
        return cls(values, facts or HeaderFacts(), tuple(said), outside, grey)

    def inverted(self) -> Radiograph:
        """The same picture with black and white exchanged, for a reader who sees that its polarity is wrong.

        What shows nothing stays black, and what was said of the polarity gives way to a sentence that says
        who chose it.
        """
        pixels = 1 - self.pixels
        if self.outside is not None:
            pixels = np.where(self.outside, np.float32(0), pixels)
        said = [sentence for sentence in self.warnings if sentence not in (*POLARITY, INVERTED_BY_READER)]
        if INVERTED_BY_READER not in self.warnings:
            said.append(INVERTED_BY_READER)
        grey = self.grey.inverted() if self.grey is not None else None
        return replace(self, pixels=np.asarray(pixels, np.float32), warnings=tuple(said), grey=grey)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def sha256(self) -> str:
        """Of shape and pixels at 16 bits: the same picture has the same hash, whatever file it came in."""
        levels = quantised(self.pixels, 65535, np.uint16).astype("<u2", copy=False)
        digest = hashlib.sha256(repr(levels.shape).encode())
        digest.update(levels.data)
        return digest.hexdigest()
