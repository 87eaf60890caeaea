"""The sections of the answers that are the same whatever modules there are."""
