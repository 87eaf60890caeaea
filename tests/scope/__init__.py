"""Which test shows which row of the scope and which trap; one file for each part of the work."""
