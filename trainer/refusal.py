"""The error that a taught model is refused with, alone: every command catches it, and one of them raises it."""

from __future__ import annotations

from patchclip.errors import PatchClipError


class RefusedError(PatchClipError):
    """A taught model is worse than its parent, and nobody overrode that."""
