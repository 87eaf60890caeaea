"""Rules for single answers: each takes text and returns it as it is kept, or refuses it."""
