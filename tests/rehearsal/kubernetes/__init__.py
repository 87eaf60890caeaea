"""How the rehearsal Kubernetes behaves towards real clients."""
