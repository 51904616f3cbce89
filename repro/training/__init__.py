"""Train and measure a network: the loop, the recipe, evaluation, checkpoints, devices."""
