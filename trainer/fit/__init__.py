"""The training run.

loop         from a recipe and samples to checkpoints, resumable to the bit
optim        optimiser, learning rates, weight average, frozen parts
validation   figures on the held-out patients after each epoch
run_folder   what a run leaves behind: record, log, resumable state
pretrained   where the tower's weights come from
distributed  many processes as one
depthwise    convolutions with a stride that learn faster on a CPU
precision    number formats of a step
"""
