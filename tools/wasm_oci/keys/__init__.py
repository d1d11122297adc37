"""Ed25519 keys: formats, halves and signers."""
