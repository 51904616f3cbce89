"""Judging published numbers: claims (plain data), statistics (the tests) and verdicts (the rule). Knows no torch."""
