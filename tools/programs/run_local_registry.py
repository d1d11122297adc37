"""The program `local_registry`."""

from wasm_oci.local_registry.program import program

if __name__ == "__main__":
    program()
