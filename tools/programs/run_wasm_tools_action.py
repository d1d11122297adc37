"""The program of build actions that call wasm-tools."""

import sys

from wasm_oci.wasm_tools.action import main

if __name__ == "__main__":
    sys.exit(main())
