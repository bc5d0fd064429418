"""One file per dataset: its files, its words and its boxes, read into samples.

A new dataset needs a file here, a line in `trainer.data.sources`, and its names of findings in
`patchclip.data.findings`.
"""
