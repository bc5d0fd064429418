"""Load: many readers at a real server for a long time, and processes that are killed while they save."""
