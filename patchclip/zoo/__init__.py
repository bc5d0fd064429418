"""The zoo: published CLIP models of other layouts as checkpoint folders.

source           what a reader of a layout gives, and how its weights are checked
state            weights of a file by name
plain_clip       CLIP's own layout, as of CheXzero
biomedclip       a vision transformer of timm beside BERT, as of BiomedCLIP
hugging_face     CLIP and SigLIP folders of Hugging Face
named            models of open_clip by name or folder
convert          from any of these to a checkpoint folder
cli              python -m patchclip convert
"""
