"""The steps inside the cluster, walked by the engine against the rehearsal's Kubernetes."""
