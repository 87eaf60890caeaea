"""Speaks to Kubernetes: the only room that does."""
