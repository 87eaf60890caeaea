"""The built-in Oracle, judged by the real SDK."""
