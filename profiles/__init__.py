"""Named sets of answers."""
