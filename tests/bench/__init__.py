"""Measures the project's figures, each beside a baseline of the same run: `python -m tests.bench`."""
