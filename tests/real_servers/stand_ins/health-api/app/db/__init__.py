"""Where the Health API keeps its tables."""
