"""Brings a Kubernetes to life: nodes, pods, jobs, claims, balancers, through its API alone."""
