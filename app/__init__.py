"""The front end of Patch-CLIP: a page to ask, look, and say what is right. Research use only."""

from app._gradio import skip_stubs

skip_stubs()
