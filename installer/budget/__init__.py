"""What a plan needs, what is free, and what the rest costs."""
