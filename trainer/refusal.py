"""The error that refuses a taught model, by itself: every command catches it, and one of them raises it."""

from __future__ import annotations

from patchclip.errors import PatchClipError


class RefusedError(PatchClipError):
    """A taught model is worse than its parent, and nobody overrode that."""
