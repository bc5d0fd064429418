"""DICOM to a `Radiograph`: decoding, grey transforms, padding and shutters, polarity, square pixels."""

from __future__ import annotations

import logging
import warnings as python_warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import config
from pydicom.dataset import FileDataset
from pydicom.pixels.processing import apply_color_lut

from patchclip.errors import RadiographError
from patchclip.image.aspect import pixel_ratio, square_mask, square_pixels
from patchclip.image.decoders import is_damaged_within, stored_pixels
from patchclip.image.elements import code, decimal_comma, element, integer, sentence
from patchclip.image.entropy import DAMAGED_WITHIN
from patchclip.image.frames import take_frame_values
from patchclip.image.grey import GreyValues, automatic_window, coded, names_of
from patchclip.image.header import header_facts, header_view, header_warnings
from patchclip.image.look import look_through
from patchclip.image.lut import Lut
from patchclip.image.orientation.header import header_sides
from patchclip.image.parse import MARK, PREAMBLE, parse_dicom
from patchclip.image.pixelwise import TABLE, Mask, Measured, counted, looked_up
from patchclip.image.polarity import CLEAR, INVERTED, NOT_TURNED, OVERWHELMING, polarity_evidence
from patchclip.image.radiograph import Radiograph
from patchclip.image.raster import LUMA
from patchclip.image.shutter import collimated, shuttered
from patchclip.image.spacing import pixel_spacing
from patchclip.image.voi import Rescale, choose, header_transforms, modality_transform
from patchclip.types import FloatArray

# Messages of pydicom quote header values, which may name a patient: none of them may reach a log or a
# terminal. For the whole process, since a setting that is changed and put back around each file would be
# put back under another thread that still reads.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
config.settings.reading_validation_mode = config.IGNORE
python_warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")

DECIMALS = (
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
)
"""Numbers that decide what is shown and that some exports write with a comma."""


def looks_like_dicom(content: bytes) -> bool:
    """Whether a file starts as DICOM does.

    With the DICM mark after the preamble or without one, or with a first element of the groups that start
    a file without either, in any byte order.
    """
    if content[PREAMBLE : PREAMBLE + 4] == MARK or content[:4] == MARK:
        return True
    if content[:2] in (b"\x02\x00", b"\x08\x00"):
        return True
    # Big-endian always names its value representations, two capitals, which keeps other kinds of file out.
    return content[:2] == b"\x00\x08" and content[4:6].isalpha() and content[4:6].isupper()


def read_dicom(content: bytes, frame: int | None = None, window: int | str | None = None) -> Radiograph:
    """Bytes of a DICOM file -> Radiograph.

    The order of DICOM PS3.3 C.11.1 and C.11.2 is kept: stored values, modality LUT or rescale, VOI LUT or
    window, polarity.

    Args:
        content: the file.
        frame: from 0; the first, with a warning if there are others, if not given.
        window: place of a VOI LUT or window of the header among `HeaderFacts.windows`, or its name or
            explanation, -1 for an automatic one; if not given, the first that fits the pixels.

    Raises:
        RadiographError: damaged, without pixels, in a transfer syntax that no installed decoder reads, or
            without such a window.
    """
    return _radiograph(parse_dicom(content), frame, window)


def _radiograph(dataset: FileDataset, frame: int | None, window: int | str | None) -> Radiograph:
    """From a parsed file, whose header is changed."""
    said = take_frame_values(dataset, frame or 0)
    stored, padding, warnings = _stored(dataset, frame)
    warnings += said
    ratio, said = pixel_ratio(dataset)
    warnings += said

    shutter, said = shuttered(dataset, stored.shape, ratio)
    warnings += said
    outside = _either(padding, shutter)
    if outside is not None and outside.all():
        raise RadiographError("Every pixel of the DICOM file is padding; export it again from its source.")

    transformed, grey, said = _grey(dataset, stored, outside, window)
    warnings += said
    collimator, said = collimated(dataset, stored.shape, ratio)
    shown, inverse, said_of_polarity = _upright_polarity(dataset, transformed, _either(outside, collimator))
    warnings += said + said_of_polarity
    grey = replace(grey, inverse=inverse).squared(ratio)

    shown = square_pixels(shown, ratio)
    if outside is not None:
        outside = square_mask(outside, ratio)
        shown = np.where(outside, np.float32(0), shown)
    if ratio != 1:
        shown = np.clip(shown, 0, 1).astype(np.float32)  # resampling rounds, and may step over the ends
    facts, told = header_facts(dataset), header_sides(dataset, header_view(dataset))
    sides, said = look_through(shown, told, outside)
    warnings += header_warnings(facts, dataset, told.patient_left)
    warnings += said
    used = next((place for place, other in enumerate(grey.transforms) if other is grey.model), None)
    facts = replace(
        facts,
        windows=names_of(grey.transforms),
        window=used,
        pixel_ratio=ratio,
        spacing=pixel_spacing(dataset),
    ).with_sides(sides)
    return Radiograph.from_array(shown, facts, warnings, outside, grey)


def _either(first: Mask | None, second: Mask | None) -> Mask | None:
    if first is None or second is None:
        return second if first is None else first
    return first | second


def _stored(
    dataset: FileDataset, frame: int | None
) -> tuple[NDArray[np.integer[Any]], Mask | None, list[str]]:
    """Stored values [H, W] of a frame, luminance of a colour image; what of them is padding; sentences."""
    # Names of photometric interpretations are compared here and in decoders; some writers use small letters.
    dataset.PhotometricInterpretation = code(dataset, "PhotometricInterpretation")
    warnings: list[str] = []
    values = stored_pixels(dataset, frame or 0)
    if is_damaged_within(dataset, frame or 0):
        warnings.append(DAMAGED_WITHIN)
    frames = integer(dataset, "NumberOfFrames", 1)
    if frames > 1 and frame is None:
        warnings.append(f"The file holds {frames} frames; the first is shown.")
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        with sentence("The colour palette of the DICOM image is missing or malformed; export it in grey."):
            values = apply_color_lut(values, dataset)  # stored values are places in a table here, not grey
    if values.ndim == 3:
        # A palette may have opacity as a fourth.
        values = np.round(values[..., :3].astype(np.float32) @ LUMA).astype(values.dtype)
        warnings.append("The image is in colour; its brightness was used.")
    if not dataset.PhotometricInterpretation.startswith("MONOCHROME"):
        return values, None, warnings
    return values, _padding(dataset, values), warnings


def _padding(dataset: FileDataset, stored: NDArray[np.integer[Any]]) -> Mask | None:
    """Pixels that the header declares as padding (PS3.3 C.7.5.1.1.2), or None."""
    first = element(dataset, "PixelPaddingValue")
    if not isinstance(first, int):
        return None
    limit = element(dataset, "PixelPaddingRangeLimit")
    last = limit if isinstance(limit, int) else first
    mask = (stored >= min(first, last)) & (stored <= max(first, last))
    return mask if mask.any() else None


@dataclass(frozen=True, slots=True)
class _Shown:
    """Grey before polarity, in [0, 1].

    Attributes:
        grey: float32 [H, W] of the pixels, or [N] of what pixels can hold.
        places: uint16 [H, W], of each pixel in the latter; None of the former.
    """

    grey: FloatArray
    places: NDArray[np.uint16] | None

    def pixels(self, *, turned: bool) -> FloatArray:
        """float32 [H, W], black and white exchanged if asked for."""
        grey = np.float32(1) - self.grey if turned else self.grey
        return grey if self.places is None else looked_up(grey, self.places)


def _grey(
    dataset: FileDataset, stored: NDArray[np.integer[Any]], outside: Mask | None, window: int | str | None
) -> tuple[_Shown, GreyValues, list[str]]:
    """Stored values [H, W] -> grey in [0, 1] before polarity; the values themselves; sentences.

    What belongs to each of up to 65536 stored values is computed once, and looked up for each pixel.
    """
    least, greatest = int(stored.min()), int(stored.max())
    modality, warnings = modality_transform(dataset, (least, greatest))
    if any(decimal_comma(dataset, keyword) for keyword in DECIMALS):
        warnings.append("The DICOM header writes numbers with a comma; it was read as a decimal point.")
    places = (stored - least).astype(np.uint16) if greatest - least < TABLE else None
    numbers = stored if places is None else np.arange(least, greatest + 1)
    levels = modality.apply(numbers.astype(np.float64))
    inside = None if outside is None else ~outside
    if places is None:
        measured = Measured(levels.ravel() if inside is None else levels[inside])
    else:
        counts = counted(places, inside)
        measured = Measured.of_table(levels, counts)

    codes, slope, intercept, rounded = _coded(modality, stored, places, levels)
    transforms, said = header_transforms(dataset, measured.limits)
    warnings += said
    transform, said = choose(transforms, measured, window)
    warnings += said
    of_codes = counts if codes is places else counted(codes, inside)
    automatic = automatic_window(of_codes, slope, intercept)
    grey = GreyValues(codes, slope, intercept, tuple(transforms), transform, automatic, rounded=rounded)
    return _Shown(transform.apply(levels).astype(np.float32), places), grey, warnings


def _coded(
    modality: Rescale | Lut,
    stored: NDArray[np.integer[Any]],
    places: NDArray[np.uint16] | None,
    levels: NDArray[np.float64],
) -> tuple[NDArray[np.uint16], float, float, bool]:
    """As `coded`, of stored values [H, W]; `levels` belong to them, or to `places` among them."""
    if isinstance(modality, Rescale):
        if places is None:
            return coded(stored, modality.slope, modality.intercept)
        return places, modality.slope, modality.intercept + modality.slope * int(stored.min()), False
    entries = levels.astype(np.int64)
    return coded(entries if places is None else looked_up(entries, places), 1.0, 0.0)


def _upright_polarity(
    dataset: FileDataset, shown: _Shown, unexposed: Mask | None
) -> tuple[FloatArray, bool, list[str]]:
    """Grey before polarity -> black as air by the header; whether it was turned; sentences for the reader.

    Presentation LUT Shape (PS3.3 C.11.6.1.2) decides where it is given; else the photometric
    interpretation. The header is believed, but for one case that archives make, a MONOCHROME1 that stayed
    when the pixels were turned, and only on overwhelming evidence.
    """
    shape, lone = code(dataset, "PresentationLUTShape"), False
    if shape not in ("IDENTITY", "INVERSE"):
        lone = dataset.PhotometricInterpretation == "MONOCHROME1"
        shape = "INVERSE" if lone else "IDENTITY"
    pixels = shown.pixels(turned=shape == "INVERSE")
    evidence = polarity_evidence(pixels, unexposed)
    if lone and evidence < -OVERWHELMING:
        return shown.pixels(turned=False), False, [NOT_TURNED]
    return pixels, shape == "INVERSE", [INVERTED] if evidence < -CLEAR else []
