"""Ratios and amounts of work, measured in one run."""
