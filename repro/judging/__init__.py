"""Judge the claims of experiments by their records: evidence, the ledger, what to run next. Imports no torch."""
