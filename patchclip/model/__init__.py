"""The model: tower, heads, calibration, checkpoints."""

import patchclip._torchvision  # noqa: F401  (first: towers import torchvision)
