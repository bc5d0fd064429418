"""Radiographs: reading them, and the geometry between image, model input and patch grid."""

from patchclip.image.geometry import Letterbox
from patchclip.image.radiograph import HeaderFacts, Radiograph, load_radiograph

__all__ = ["HeaderFacts", "Letterbox", "Radiograph", "load_radiograph"]
