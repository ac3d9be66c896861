"""Checks that need no step size: what every backward owes its callers, whatever function it belongs to.

``rules`` is the table of them.
"""
