"""From decoded images to training batches.

dataset            samples with their targets, the sampler, batches
augment            geometric and grey-level augmentation of image and outlines together
targets            boxes or outlines to patch targets: positive, negative, ignored
synthetic_lesions  drawn nodules and masses with exact outlines
"""
