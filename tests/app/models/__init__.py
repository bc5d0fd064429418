"""The models of a deployment."""
