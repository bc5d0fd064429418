"""Lung fields: a small network that finds the lungs, taught by a larger published one.

- `teacher.py`: the published network (MIT licence), read without running any code of its file.
- `fit.py`: masks of the teacher on radiographs, the small network's training, and how well it agrees.
"""
