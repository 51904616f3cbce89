"""Strict data: what a run, a recipe, a protocol and a claim are. Imports neither torch nor numpy."""
