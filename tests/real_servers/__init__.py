"""What we render, booted in the real programs: see README.md for what is mapped and what differs."""
