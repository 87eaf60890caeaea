"""A small Oracle: the REST that its SDK and command line speak."""
