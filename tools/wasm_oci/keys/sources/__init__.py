"""Sources of secret keys, and signers for them."""
