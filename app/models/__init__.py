"""The models of a deployment: which answers, how they compare, and teaching new ones from readings."""
