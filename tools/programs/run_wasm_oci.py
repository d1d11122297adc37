"""The program `wasm_oci`."""

from wasm_oci.cli.program import program

if __name__ == "__main__":
    program()
