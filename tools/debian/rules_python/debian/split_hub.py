"""split_hub.py FOLDER: tells what pip installed into one folder apart; prints {package: {"deps", "srcs", "data"}}."""

import json
import py_compile
import re
import sys
from importlib import metadata
from pathlib import Path


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def needed(file: Path) -> bool:
    """Whether a program can need a file: not its package's tests, nor types, nor what pip notes for itself; each costs every sandbox."""
    if any(part.endswith(".dist-info") for part in file.parts):
        return file.name in ("METADATA", "entry_points.txt")
    return "tests" not in file.parts and file.suffix != ".pyi"


def main(folder: Path) -> None:
    packages = {}
    for dist in list(metadata.distributions(path=[str(folder)])):
        packages[normal(dist.name)] = dist
    result = {}
    for name, dist in packages.items():
        requires = (re.match(r"[A-Za-z0-9._-]+", r) for r in dist.requires or [] if "extra ==" not in r)
        found = {"deps": sorted({normal(m[0]) for m in requires if m} & set(packages) - {name}), "srcs": [], "data": []}
        for file in dist.files or []:
            path = folder / file
            if ".." in file.parts or not path.is_file() or not needed(file):
                continue
            found["srcs" if path.suffix == ".py" else "data"].append(str(path))
            if path.suffix == ".py":
                # Byte-code that names no time stamp and no folder: the same on every machine.
                mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
                compiled = py_compile.compile(str(path), dfile=str(file), invalidation_mode=mode, quiet=1)
                found["data"] += [compiled] if compiled else []
        result[name] = found
    json.dump(result, sys.stdout)


main(Path(sys.argv[1]))
