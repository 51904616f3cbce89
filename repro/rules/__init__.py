"""Claims and the rule that judges them: types of claim, samples, statistics, verdicts. Imports no torch."""
