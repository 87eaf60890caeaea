"""A small Oracle and a small Kubernetes on loopback."""
