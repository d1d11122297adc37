"""The commands and options of `wasmsign2`, and their help."""

from __future__ import annotations

from dataclasses import dataclass

GITHUB = "https://github.com"
GITHUB_VARIABLE = "WASM_OCI_GITHUB_URL"
VERSION = "wasmsign2-cli 0.2.8 (drop-in of rules_wasm_oci)\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a subcommand; `value` is the name of its value, empty for a flag."""

    short: str
    long: str
    help: str
    value: str = ""
    required: bool = False
    many: bool = False
    """Whether all arguments up to the next option are its values."""


_INPUT = Option(short="i", long="input-file", value="input_file", required=True, help="Module or component to read")
_OUTPUT = Option(short="o", long="output-file", value="output_file", required=True, help="File to write; may be the input file")
_SECRET = Option(short="k", long="secret-key", value="secret_key_file", required=True, help="Secret key file")
_PUBLIC = Option(short="K", long="public-key", value="public_key_file", help="Public key file")
_NEW_PUBLIC = Option(short="K", long="public-key", value="public_key_file", required=True, help="Public key file")
_OWN_PUBLIC = Option(
    short="K", long="public-key", value="public_key_file", help="Public key file of the same pair: its key id is put into the signature"
)
_SSH = Option(short="Z", long="ssh", help="The keys are OpenSSH files (without it: compact ones)")
_SIGNATURE = Option(short="S", long="signature-file", value="signature_file", help="File of the detached signature")
_NEEDED_SIGNATURE = Option(short="S", long="signature-file", value="signature_file", required=True, help="File of the detached signature")
_KEYS = Option(short="K", long="public-keys", value="public_key_files", many=True, help="Public key files, all after one -K")
_GITHUB = Option(
    short="G", long="from-github", value="account", help="Take the OpenSSH keys of a GitHub account, over the network, instead of files"
)
_SPLIT = Option(short="s", long="split", value="regex", help="Custom sections of one kind: those whose names match (RE2), and all others")
_PARTIAL = Option(short="s", long="split", value="regex", help="Verify only the parts of standard and of matching custom sections (RE2)")

COMMANDS: dict[str, tuple[str, tuple[Option, ...]]] = {
    "keygen": ("Generate a new key pair, in place of files that exist", (_SECRET, _NEW_PUBLIC)),
    "show": ("Print the structure of a module", (_INPUT,)),
    "split": ("Add cutting points to a module, so that parts of it can be verified", (_INPUT, _OUTPUT, _SPLIT)),
    "sign": ("Sign a module, or add a signature to a signed one", (_INPUT, _OUTPUT, _SECRET, _OWN_PUBLIC, _SSH, _SIGNATURE)),
    "verify": (
        "Verify that a key signed all of a module, or the parts that -s asks for",
        (_INPUT, _PUBLIC, _GITHUB, _SSH, _SIGNATURE, _PARTIAL),
    ),
    "detach": ("Move the signature of a module to a file of its own", (_INPUT, _OUTPUT, _NEEDED_SIGNATURE)),
    "attach": ("Put a detached signature into its module", (_INPUT, _OUTPUT, _NEEDED_SIGNATURE)),
    "verify_matrix": ("Print which of several keys signed a module", (_INPUT, _KEYS, _GITHUB, _SSH, _PARTIAL)),
}


def overview() -> str:
    """Returns the help of the program."""
    commands = "".join(f"  {name:<15}{about}\n" for name, (about, _) in COMMANDS.items())
    return f"""Signs and verifies WebAssembly modules and components, as the wasmsign2 program does

Usage: wasmsign2 [-v] [-d] COMMAND [OPTIONS]

Commands:
{commands}  help           Print this, or the help of a command

Options:
  -v             Verbose output: what signatures and delimiters hold
  -d             Say on stderr what is done
  -h, --help     Print help
  -V, --version  Print version

{GITHUB_VARIABLE} is the address that -G asks, {GITHUB} by default.

Exit codes: 0 done, 1 any error, 2 wrong arguments.
"""


def explain(command: str) -> str:
    """Returns the help of one command."""
    about, options = COMMANDS[command]
    rows = [(f"-{o.short}, --{o.long}" + (f" <{o.value}>" if o.value else ""), o) for o in options]
    width = max(len(left) for left, _ in rows)
    lines = "".join(f"  {left:<{width}}  {o.help}{' (required)' if o.required else ''}\n" for left, o in rows)
    return f"{about}\n\nUsage: wasmsign2 {command} [OPTIONS]\n\nOptions:\n{lines}  {'-h, --help':<{width}}  Print help\n"
