"""Module folders, what is rendered from them, and the servers started on it."""
