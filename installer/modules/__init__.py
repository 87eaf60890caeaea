"""Reads the module folders and renders their manifests."""
