"""Measurements, each a program of its own (`python -m bench.verification`). They are no tests."""
