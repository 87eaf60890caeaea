"""The Kubernetes room, pure parts alone and the rest against the rehearsal's API server."""
