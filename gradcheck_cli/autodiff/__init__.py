"""The engine's own derivatives: mechanism (trace), vocabulary (primitive), knowledge (primitives)."""
