"""Every alert made to fire and kept quiet, by Prometheus' own program for testing rules."""
