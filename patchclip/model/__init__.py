"""The model: from pixels and sentences to embeddings, logits and probabilities, and the file that holds it.

preprocess       from a radiograph's pixels to the model's input
config           what decides the architecture
tower            an open_clip or timm trunk as a list of feature levels
heads            patch tokens from those levels, their projection and pooling
sparse_branch    a training objective alone: nothing asks it at inference
patchclip        all of them together, with the text's projection
zero_shot        published CLIP models in the same form
branches         the image-level logits, of which the probability is made
calibration      from logits to probabilities
checkpoint       weights and record on disk
"""

import patchclip._torchvision  # noqa: F401  (first: towers import torchvision)
