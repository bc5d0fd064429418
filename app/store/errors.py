"""The store's error."""

from patchclip import PatchClipError


class StoreError(PatchClipError):
    """Feedback could not be read or saved; nothing that the reader typed or drew is lost."""
