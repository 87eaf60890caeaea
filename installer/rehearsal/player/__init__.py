"""Brings a Kubernetes API to life: nodes, pods, jobs, claims and balancers, through the API alone."""
