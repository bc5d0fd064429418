"""Teaching a model from readings: data, learning without forgetting, calibration, comparison, verdict.

material     readings and original data, in two halves each
keep         drawn radiographs, and the loss that holds a model to what its parent says
learn        the steps
recalibrate  probabilities and maps of the new model
asked        what a model says of sets of images
compare      old and new on what neither learnt from, in pairs
against      any two models, on what neither learnt from
history      how data was divided whenever a model was taught
verdict      whether the new model may take the old one's place
record       what is written of it
"""
