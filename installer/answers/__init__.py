"""The answers a person gives: one model, its sources, its file."""
