"""keychain.py: keys in a real Secret Service sign what the published wasmsign2 verifies; one line for each property.

WASMSIGN2 is the published program. Run from the root of the workspace:

    WASMSIGN2=... .ci/secret-service ./bazelw exec python3 tests/integration/keychain.py
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from statements import report

TARGETS = ("//tools/programs:wasm_oci", "//tests/integration:secret_store")
WASM_OCI = Path("bazel-bin/tools/programs/wasm_oci")
STORE = Path("bazel-bin/tests/integration/secret_store")
COMPONENT = Path("tests/testdata/hello_component.wasm")
SERVICE = "wasm-oci/test"
"""References are split at their last slash."""
FORMS = ("compact", "openssh", "pem")
NO_BUS = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a program answered."""

    code: int
    said: str

    @property
    def against(self) -> list[str]:
        return [] if self.code == 0 else [f"exit {self.code}: {self.said.strip()}"]

    def unless(self, code: int, text: str) -> list[str]:
        """Returns what speaks against a refusal with this code and text."""
        return [] if self.code == code and text in self.said else [f"exit {self.code} in place of {code} and {text!r}: {self.said.strip()}"]


class Session:
    """Key pairs in a scratch folder, their secrets in the Secret Service under the user names of FORMS, and all that was said."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.said = ""

    def call(self, *command: str | Path, stdin: str = "", **environ: str) -> Done:
        done = subprocess.run(
            list(map(str, command)),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **environ},
        )
        self.said += done.stdout
        return Done(code=done.returncode, said=done.stdout)

    def public(self, form: str) -> Path:
        return self.scratch / f"{form}.public"

    def secret(self, form: str) -> str:
        """As it is stored: bytes that are no text as base64."""
        data = (self.scratch / f"{form}.secret").read_bytes()
        return base64.b64encode(data).decode() if form == "compact" else data.decode()

    def keep(self, form: str) -> list[str]:
        pair = ("-k", self.scratch / f"{form}.secret", "-K", self.public(form))
        made = self.call(WASM_OCI, "keygen", "--format", form, *pair)
        return made.against or self.call(STORE, "put", SERVICE, form, stdin=self.secret(form)).against

    def sign(self, user: str, public: str, output: Path, **environ: str) -> Done:
        key = ("--key-source", "keychain", "--key-ref", f"{SERVICE}/{user}", "-K", self.public(public))
        return self.call(WASM_OCI, "sign", "-i", COMPONENT, "-o", output, *key, **environ)


def problems(session: Session, wasmsign2: str) -> Iterator[tuple[str, list[str]]]:
    """Yields each property and what speaks against it."""
    secrets: list[str] = []
    for form in FORMS:
        yield f"a secret key of the form {form} is kept in the Secret Service", session.keep(form)
        secrets.append(session.secret(form))
        (session.scratch / f"{form}.secret").unlink()
    for form in FORMS:
        output = session.scratch / f"{form}.wasm"
        yield f"the {form} key signs a component", session.sign(form, form, output).against
        verified = session.call(WASM_OCI, "verify", "-i", output, "-K", session.public(form))
        yield f"wasm_oci verifies what the {form} key signed", verified.against
        # The form that the published program reads without a further option.
        compact = session.scratch / f"{form}.compact"
        converted = session.call(WASM_OCI, "key", "convert", "-i", session.public(form), "-o", compact, "--to", "compact")
        verified = session.call(wasmsign2, "verify", "-i", output, "-K", compact)
        yield f"the published wasmsign2 verifies what the {form} key signed", converted.against + verified.against
    verified = session.call(wasmsign2, "verify", "-i", session.scratch / "compact.wasm", "-K", session.scratch / "pem.compact")
    yield "the published wasmsign2 refuses another key", [] if verified.code else ["exit 0"]

    output = session.scratch / "never.wasm"
    refused = session.sign("nobody", "compact", output)
    yield "a user name that is not there is said", refused.unless(2, f"keychain {SERVICE}/nobody: the keychain has no such entry")
    refused = session.sign("compact", "pem", output)
    yield "a key that is not the one of -K is refused", refused.unless(2, "does not belong to the secret key")
    refused = session.sign("compact", "compact", output, **NO_BUS)
    yield "a session without a Secret Service is said", refused.unless(2, "no keychain is available")
    locked = session.call(STORE, "lock").against
    yield "a locked Secret Service is said", locked or session.sign("compact", "compact", output).unless(2, "the keychain does not answer")
    yield "nothing was written where nothing was signed", [str(output)] if output.exists() else []

    told = [form for form, secret in zip(FORMS, secrets, strict=True) if any(line in session.said for line in key_lines(secret))]
    yield f"none of {len(secrets)} secrets is in the {len(session.said)} characters that the programs said", told


def key_lines(secret: str) -> list[str]:
    """The lines of a stored key that are not its armor."""
    return [line for line in secret.splitlines() if line and not line.startswith("-----")]


def main() -> int:
    wasmsign2 = os.environ.get("WASMSIGN2", "")
    if not wasmsign2:
        sys.stderr.write("keychain.py: set WASMSIGN2 to the published program; .ci/peers installs it\n")
        return 2
    subprocess.run(["./bazelw", "build", "--noshow_progress", *TARGETS], check=True)
    with tempfile.TemporaryDirectory(prefix="keychain.") as scratch:
        return report(problems(Session(Path(scratch)), wasmsign2))


if __name__ == "__main__":
    sys.exit(main())
