"""What can go wrong with a study; each is one sentence for whoever reads or leads it."""

from patchclip import PatchClipError


class StudyError(PatchClipError):
    """A study cannot be made, read or changed."""


class ProtocolError(StudyError):
    """A protocol is not what it should be."""


class NoStudyError(StudyError):
    """Nothing of that number is this person's to see: over HTTP 404."""


class WithheldError(StudyError):
    """The model's answers are not to be seen, or a reading not to be changed: over HTTP 403."""
