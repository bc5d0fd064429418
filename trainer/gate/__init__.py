"""The image gate: what is no frontal chest radiograph.

fit        the gate from radiographs and other pictures
measure    how often both gates of a checkpoint are right
variation  the same chests as another hospital takes them
negatives  families of other pictures
bodies     other body parts and modalities, drawn
scenes     pictures without a body, drawn
canvas     what the drawings are made of
"""
