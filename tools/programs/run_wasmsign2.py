"""The program `wasmsign2`."""

import sys

from wasm_oci.cli.outcome import enter_user_directory
from wasm_oci.cli.wasmsign2 import main

if __name__ == "__main__":
    enter_user_directory()
    sys.exit(main())
