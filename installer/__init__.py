"""Everything health-install does, with no screen attached."""
