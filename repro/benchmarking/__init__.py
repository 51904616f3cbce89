"""How fast the project is and what it needs: against what a user would write, and against the machine itself.

The method is told in docs/benchmark.md. What is measured lives in fresh processes; what conducts them only waits.
"""
