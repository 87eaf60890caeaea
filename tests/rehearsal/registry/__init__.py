"""The rehearsed container registry."""
