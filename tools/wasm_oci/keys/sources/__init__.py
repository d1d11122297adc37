"""Where secret keys are, and signers for them."""
