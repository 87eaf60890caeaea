"""The engine, driven over a world made of one dictionary."""
