"""How a registry is spoken to."""
