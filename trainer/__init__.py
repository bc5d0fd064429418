"""Training of Patch-CLIP models: datasets in, one checkpoint out."""

import patchclip  # noqa: F401  (first: it makes torchvision importable beside a CPU build of torch)
