"""Strict data: what a run, a recipe and a protocol are. Imports neither torch nor numpy."""
