"""What we render, booted in the real programs; README.md says what is mapped and what differs."""
