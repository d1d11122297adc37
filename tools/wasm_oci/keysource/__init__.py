"""Where secret keys are, and signers for them."""

from wasm_oci.keysource.passphrase import PassphraseSource
from wasm_oci.keysource.source import KINDS, KeySource, open_signer

__all__ = ["KINDS", "KeySource", "PassphraseSource", "open_signer"]
