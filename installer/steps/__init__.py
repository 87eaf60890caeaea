"""One file a step, named for what it makes sure of."""
