"""`repro bench`: speed and memory of training, compression and the command line, beside a plain PyTorch loop.

The method is in docs/benchmark.md. Everything is measured in fresh processes, while the one that starts them waits.
"""
