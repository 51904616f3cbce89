"""Re-run the science of SqueezeNet, and judge each published number."""

__version__ = "0.1.0"
