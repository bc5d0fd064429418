"""Training of Patch-CLIP models: datasets in, one checkpoint out.

data       datasets in, decoded samples out
batches    from decoded images to training batches
objective  what is minimised
fit        the training run
calibrate  probabilities, operating points and regions on held-out patients
gate       the image gate
config     what a recipe is; recipes/ holds those that are shipped
commands   what each command does; card fills a model card
"""

import patchclip._torchvision  # noqa: F401  (first: it makes torchvision importable beside torch for a CPU)
