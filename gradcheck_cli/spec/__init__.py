"""Specs: YAML text into resolved, typed checks, and the values that their inputs take."""
