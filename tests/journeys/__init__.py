"""Whole installations by the real command: finished, killed, stopped, repeated, removed."""
