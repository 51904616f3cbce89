"""Judge published numbers: samples from records, statistics, verdicts, the ledger. Imports no torch."""
