"""Tests: strangers."""
