"""The drop-in for the published program `wasmsign2`."""
