"""The image gate's training: what is no frontal chest radiograph, and the fit."""
