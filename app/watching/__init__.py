"""Watching a server run: whether it is ready, how it does, what it logs, and how it ends."""
