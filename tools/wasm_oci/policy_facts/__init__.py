"""The facts that policies judge, read from files, layouts and registries."""
