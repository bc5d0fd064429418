"""The model: from pixels and sentences to embeddings, logits and probabilities, and the file that holds it.

preprocess       what published models do to channels; the input itself: `patchclip.image.model_input`
config           what decides the architecture
tower            an open_clip or timm trunk as a list of feature levels
heads            patch tokens from those levels, their projection and pooling
sparse_branch    a training objective alone: nothing asks it at inference
patchclip        all of them together, with the text's projection
ensemble         several models in one, whose logits are the means of theirs
published        what a checkpoint says of a published model that it holds
clip_parts       published CLIP models in the same form, see `patchclip.zoo`
branches         the image-level logits, of which the probability is made
calibration      from logits to probabilities
checkpoint       weights and record on disk
checkpoint_format  the versions of the record, and the way from each to the next
"""

import patchclip._torchvision  # noqa: F401  (first: towers import torchvision)
