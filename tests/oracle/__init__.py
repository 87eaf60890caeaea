"""Tests of the room that speaks to Oracle."""
