"""Evaluation: a model on a dataset with boxes, compared with saliency; `python -m patchclip evaluate`.

From the command to the report:
- `cli`: the command, and the files that it writes.
- `run`: the whole evaluation, from predictions to the report.
- `report`: `Report`, all figures as one record; `serialize`: to metrics.json and back.
- `render/`: figures as text, figures.md, plots, report.html.
- `replicates`: bootstrap replicates beside a report, for paired differences from another one (--against).

What is scored:
- `dataset`: images, labels and boxes of a folder; `truth`: whose boxes count, and which images are normal.
- `predictor`: what a model must offer; `engine_predictor`: an engine; `prediction_file`: its answers on disk;
  `map_file`: another model's maps (--map-file).
- `case`: an image and its prediction; `method`: what is compared, raw or gated, of the model or its twin.

How it is scored:
- `bootstrap`: `Figure`, a value with interval and replicates, by patient.
- `image_metrics`: AUROC, calibration error and others; `map_metrics`: pointing, overlap and others, of one
  map; `froc`: FROC of components.
- `findings`: all figures of one finding; `subgroups`: of parts of the data; `shortcuts`: what else a
  probability tells; `negatives`: normal images and off-topic queries.
- `peaks`, `sweep`: regions at all thresholds; `claim`: patch map against saliency at the same sensitivity.
- `deletion`, `faithfulness`: do answers follow from the patches that a map points at (--faithfulness)?
"""
