"""The commands beside ``run``: what they look at, as values of ``views``."""
