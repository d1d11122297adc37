"""Runs a component in wasmtime: `run_component.py FILE ARGUMENT…` prints what it writes."""

from __future__ import annotations

import sys
from pathlib import Path

import wasmtime
from wasmtime import component


class ComponentError(Exception):
    """The component cannot be run, or reported an error."""


def run_component(path: Path, *args: str) -> str:
    """Runs `wasi:cli/run` of a component in wasmtime; returns what it wrote to its standard output."""
    engine = wasmtime.Engine()
    program = component.Component.from_file(engine, str(path))
    entry = next((name for name in program.type.exports(engine) if name.startswith("wasi:cli/run@")), None)
    if entry is None:
        raise ComponentError("the component exports no wasi:cli/run")
    linker = component.Linker(engine)
    linker.add_wasip2()
    output = path.with_suffix(".out")
    wasi = wasmtime.WasiConfig()
    wasi.argv = [path.name, *args]
    wasi.stdout_file = str(output)
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    instance = linker.instantiate(store, program)
    interface = instance.get_export_index(store, entry)
    run = instance.get_func(store, instance.get_export_index(store, "run", interface))
    if run is None:
        raise ComponentError(f"{entry} has no function run")
    result = run(store)
    run.post_return(store)
    if getattr(result, "tag", "ok") != "ok":
        raise ComponentError("the component ran and reported an error")
    return output.read_text()


if __name__ == "__main__":
    sys.stdout.write(run_component(Path(sys.argv[1]), *sys.argv[2:]))
