"""Signed statements about manifests: in-toto statements in DSSE envelopes, as bundles of Sigstore."""
