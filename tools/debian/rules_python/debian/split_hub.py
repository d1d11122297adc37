"""split_hub.py FOLDER: moves what pip installed into one folder for each package; prints {package: [dependencies]}."""

import json
import py_compile
import re
import sys
from importlib import metadata
from pathlib import Path


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def main(folder: Path) -> None:
    packages = {}
    for dist in list(metadata.distributions(path=[str(folder)])):
        packages[normal(dist.name)] = dist
    result = {}
    for name, dist in packages.items():
        requires = (re.match(r"[A-Za-z0-9._-]+", r) for r in dist.requires or [] if "extra ==" not in r)
        result[name] = sorted({normal(m[0]) for m in requires if m} & set(packages) - {name})
        for file in dist.files or []:
            source = folder / file
            if ".." in file.parts or not source.is_file():
                continue
            target = Path(name, "site-packages", file)
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
            if target.suffix == ".py":
                # Byte-code that names no time stamp and no folder: the same on every machine.
                mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
                py_compile.compile(str(target), dfile=str(file), invalidation_mode=mode, quiet=1)
    json.dump(result, sys.stdout)


main(Path(sys.argv[1]))
