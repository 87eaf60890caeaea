"""Judged by a real control plane: etcd, the API server, the scheduler and the controllers."""
