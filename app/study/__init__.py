"""Reader studies: what readers found in the same cases with and without the model."""
