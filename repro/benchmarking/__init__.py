"""`repro bench`: speed and memory of training, compression and the command line, beside a plain PyTorch loop.

The method is told in docs/benchmark.md. What is measured lives in fresh processes; what conducts them only waits.
"""
