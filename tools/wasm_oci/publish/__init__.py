"""Plan and carry out a publish, and pull an artifact back, verified."""
