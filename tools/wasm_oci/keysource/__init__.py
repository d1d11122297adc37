"""Where secret keys are, and signers for them."""

from wasm_oci.keysource.passphrase import PassphraseSource
from wasm_oci.keysource.signing_keys import SigningKey, open_signers, parse_keys
from wasm_oci.keysource.source import KINDS, WITHOUT_REF, KeySource, open_signer

__all__ = ["KINDS", "WITHOUT_REF", "KeySource", "PassphraseSource", "SigningKey", "open_signer", "open_signers", "parse_keys"]
