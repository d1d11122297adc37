"""Where secret keys are, and signers for them."""

from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import SigningKey, open_signer, open_signers, with_public_keys
from wasm_oci.keys.sources.source import KINDS, WITHOUT_REF, KeySource

__all__ = ["KINDS", "WITHOUT_REF", "KeySource", "PassphraseSource", "SigningKey", "open_signer", "open_signers", "with_public_keys"]
