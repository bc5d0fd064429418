"""Search: which images of an archive show what a text asks for, from their stored embeddings alone."""
