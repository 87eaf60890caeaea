"""The only room that speaks to Oracle."""
