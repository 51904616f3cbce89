"""From experiment files to the runs they need: settings, what is missing, what it costs. Imports no torch."""
