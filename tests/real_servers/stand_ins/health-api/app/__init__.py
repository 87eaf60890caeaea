"""Stands for the Health API's program: as much of it as the tables' container needs."""
