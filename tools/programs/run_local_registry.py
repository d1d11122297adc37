"""The program `local_registry`."""

import sys

from wasm_oci.local_registry.program import main
from wasm_oci.outcome import enter_user_directory

if __name__ == "__main__":
    enter_user_directory()
    sys.exit(main())
