"""Tries the installed platform as its users would, from this machine, and says what it saw."""
