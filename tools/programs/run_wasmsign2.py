"""The program `wasmsign2`."""

from wasm_oci.wasmsign2.program import program

if __name__ == "__main__":
    program()
