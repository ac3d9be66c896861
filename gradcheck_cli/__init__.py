"""Check hand-written gradients, entry by entry, from a YAML spec."""

__version__ = "0.1.0"
