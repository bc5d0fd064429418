"""What each command of the trainer does: one file per command, with its flags and what it runs.

fit             trains, then calibrates
folds           cross-validation by patient
calibrate       fits calibration and operating points again
calibrate_as    takes them over from a sibling that held patients out
gates           fits the query gate and the image gate again
evaluate_gates  measures both gates
teach           teaches a model from readings
ensemble        puts several runs' models into one
export          copies a checkpoint out of its run folder
prompts         embeds the prompts of a checkpoint's findings
check_data      checks dataset folders and counts what they hold
lung_fields     trains the network that finds the lungs
evaluate_lung_fields   measures it and the frame of the chest
card            fills a model card
sources         flags and reading that they share
"""
