"""A small Kubernetes API server on loopback, good enough for kubectl and the official client."""
