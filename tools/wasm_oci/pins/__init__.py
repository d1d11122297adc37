"""Pins of components that a Bazel module pulls: read from MODULE.bazel, resolved, verified and written back."""
