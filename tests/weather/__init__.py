"""The weather catalogue: one file a failure that people meet, and beside it what must come of it.

NAME.yaml is a weather file as `--weather` takes it. NAME.expected.yaml says what the run must say,
do and leave, see `expectation.py`. A new case needs no code.
"""
