"""Radiographs: reading them, and the geometry between image, model input and patch grid."""

from patchclip.image.containers import list_images, load_entry
from patchclip.image.geometry import Letterbox
from patchclip.image.listing import ImageEntry, Listing
from patchclip.image.load import load_radiograph
from patchclip.image.radiograph import HeaderFacts, Radiograph

__all__ = [
    "HeaderFacts",
    "ImageEntry",
    "Letterbox",
    "Listing",
    "Radiograph",
    "list_images",
    "load_entry",
    "load_radiograph",
]
