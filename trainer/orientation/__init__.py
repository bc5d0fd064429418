"""Training of the small networks that tell a radiograph's sides."""
