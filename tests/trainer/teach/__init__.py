"""Teaching a model from readings."""
