"""The front end of Patch-CLIP: one page on which a reader asks, looks, and says what is right. Research use only."""
