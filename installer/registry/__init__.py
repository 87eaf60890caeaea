"""Asks container registries for images, as the OCI distribution specification 1.1 says."""
