"""Keys in the system's keychain, with backends of keyring's own class in place of a session."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from types import ModuleType

import keyring
import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked

from fakes.signing import K1, K2, PKCS8_1
from wasm_oci.errors import KeyFormatError, UsageError
from wasm_oci.keys.key import PublicKey
from wasm_oci.keys.signer import Signer
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import open_signer
from wasm_oci.keys.sources.source import KeySource

NONE = PassphraseSource(environ={})


class Memory(KeyringBackend):
    """A keychain in memory; an exception in it is raised."""

    priority = 1.0

    def __init__(self, entries: dict[tuple[str, str], str | Exception]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own
        self.entries = entries

    def get_password(self, service: str, username: str) -> str | None:
        found = self.entries.get((service, username))
        if isinstance(found, Exception):
            raise found
        return found

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


def opened(ref: str = "https://signing.example/keys/release", public: PublicKey | None = None) -> Signer:
    return open_signer(KeySource(kind="keychain", ref=ref), public=public, passphrase=NONE)


@pytest.mark.parametrize("text", [PKCS8_1.decode(), K1.openssh().decode(), base64.b64encode(K1.compact()).decode()])
def test_a_key_by_service_and_user(text: str) -> None:
    keyring.set_keyring(Memory({("https://signing.example/keys", "release"): text}))
    assert opened(public=K1.public).sign(b"m") == K1.sign(b"m")
    with pytest.raises(KeyFormatError, match="does not belong to the secret key"):
        opened(public=K2.public)


@pytest.mark.parametrize("backend", [keyring.backends.fail.Keyring, keyring.backends.null.Keyring])
def test_backends_that_are_none(backend: type[KeyringBackend]) -> None:
    keyring.set_keyring(backend())
    with pytest.raises(UsageError, match="no keychain is available") as caught:
        opened()
    assert caught.value.reason == "no_key"


def test_no_such_entry() -> None:
    keyring.set_keyring(Memory({}))
    with pytest.raises(UsageError, match="no such entry; store the secret key with `keyring set a b`"):
        opened("a/b")


def test_an_entry_that_is_no_key() -> None:
    keyring.set_keyring(Memory({("a", "b"): "hunter2 is my password"}))
    with pytest.raises(KeyFormatError, match="this is not a secret key") as caught:
        opened("a/b")
    assert "hunter2" not in str(caught.value)


class ForeignError(Exception):
    """Of a library below a backend."""


FAILURES = [KeyringLocked("hunter2"), InitError("hunter2"), OSError(111, "hunter2"), RuntimeError("hunter2"), ForeignError("hunter2")]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_keychain_that_fails(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("secretstorage.exceptions")
    vars(module)["SecretStorageException"] = ForeignError
    monkeypatch.setitem(sys.modules, "secretstorage.exceptions", module)
    keyring.set_keyring(Memory({("a", "b"): failure}))
    with pytest.raises(UsageError, match=f"the keychain does not answer .{type(failure).__name__}.") as caught:
        opened("a/b")
    assert "hunter2" not in str(caught.value)
