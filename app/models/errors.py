"""What can go wrong with a deployment's models."""

from __future__ import annotations

from patchclip import PatchClipError


class ModelError(PatchClipError):
    """A model is not there, or cannot be used or taught."""
