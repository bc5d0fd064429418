"""The errors of Patch-CLIP: one sentence each, saying what is wrong and what to do next."""


class PatchClipError(Exception):
    """Base of every error that Patch-CLIP raises on purpose; its text is fit to be shown to a reader."""


class RadiographError(PatchClipError):
    """A file could not be read as a radiograph."""


class QueryError(PatchClipError):
    """A query is empty, too long, or cannot be understood."""


class CheckpointError(PatchClipError):
    """A checkpoint is missing, incomplete, or was written for something else."""


class DataError(PatchClipError):
    """A dataset folder, table or map file is not what it should be; the text names the file and the row."""


class SaliencyError(PatchClipError):
    """A saliency method cannot be applied to the tower at hand."""
