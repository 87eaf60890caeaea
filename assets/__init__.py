"""Modules, limits, images and schemas: data, no code."""
