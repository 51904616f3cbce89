"""Training and measuring networks: the one loop, its recipes, evaluation and checkpoints."""
