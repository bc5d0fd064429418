"""Patch-CLIP: ask a chest radiograph a question in free text and see, patch by patch, where the answer comes from."""

import patchclip._torchvision  # noqa: F401  (first: everything below may import torchvision)
