"""The program `wasmsign2`."""

from wasm_oci.cli.wasmsign2 import program

if __name__ == "__main__":
    program()
