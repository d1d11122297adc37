"""The wasmsign2 signature format: sections, keys, signing and verification."""
