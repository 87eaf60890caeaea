"""The screens, read row by row."""
