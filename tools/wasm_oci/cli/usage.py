"""The commands of `wasm_oci`, and its usage text."""

from __future__ import annotations

COMMANDS = {
    "keygen": "make an Ed25519 key pair",
    "key": "show, convert or check key files and other sources of keys",
    "sign": "sign WebAssembly modules or components",
    "verify": "verify a signature",
    "trusted-keys": "check a list of trusted keys",
    "split": "cut a file into parts that can be verified alone",
    "detach": "move a signature out of a file",
    "attach": "embed a detached signature",
    "normalise": "write the file that a detached signature will cover",
    "image": "make an OCI image layout from a component",
    "metadata": "extract what a component carries, and map it to annotations",
    "registries": "check a list of registries, and write wkg's configuration",
    "push": "publish an image to a registry, with a plan first",
    "release": "publish many artifacts as one, and show, compare or verify releases",
    "promote": "copy an artifact or a release to another place, by digest",
    "archive": "write an artifact or a release to a tar file",
    "attest": "sign a statement about a manifest, and attach it",
    "countersign": "sign a manifest that others have signed",
    "statements": "list the statements about a manifest, and verify them",
    "pull": "fetch a component, verified before it gets its name",
    "update": "write the digests that MODULE.bazel pins, once they are verified",
    "list": "list the tags of a repository, and who signed",
    "log": "keep, verify and prove a record of what was published",
    "policy": "decide by a policy, explain a decision, compare or check policies",
    "auth": "show which credential a registry gets, and what it allows",
    "wasm-tools": "have wasm-tools validate a file, or make a component",
    "inspect": "show what a reference, a layout or a .wasm file holds",
}
LOGGING = (
    *("archive", "attest", "auth", "countersign", "inspect", "list", "log", "policy", "promote", "pull", "push", "release"),
    *("statements", "update"),
)
"""Commands that may log warnings, because they talk to registries."""
RUN_TARGETS = ("keygen", "promote", "push", "release", "sign")
"""Commands of run targets, whose launcher gives --request: there `-- --help` is about the target."""


def usage() -> str:
    commands = "\n".join(f"  {name:<14}{summary}" for name, summary in COMMANDS.items())
    return f"""usage: wasm_oci [-v] COMMAND [ARGUMENTS]

Takes a WebAssembly component to a signed, digest-pinned OCI artifact in a registry, and back.

commands:
{commands}

Run `wasm_oci COMMAND --help` for details. Paths are relative to the current directory, also under `bazel run`.
Exit codes: 0 done, 2 usage or unusable input, 3 denied by policy, 4 does not verify,
5 authentication, 6 registry or network, 7 tag conflict, 70 bug.
"""
