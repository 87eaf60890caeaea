"""Runs steps: state, lock, events, errors. Knows neither Oracle nor Kubernetes."""
