"""The name that a misspelt one is probably meant to be."""

visibility(["//rust/...", "//tests/...", "//wasm/..."])

def _distance(one, two):
    """How many letters must be changed, added or removed to make one text of the other."""
    row = list(range(len(two) + 1))
    for index in range(len(one)):
        new = [index + 1]
        for position in range(len(two)):
            changed = row[position] + (0 if one[index] == two[position] else 1)
            new.append(min(changed, row[position + 1] + 1, new[-1] + 1))
        row = new
    return row[-1]

def nearest(name, known):
    """Returns the one of the `known` names that is most like `name`, or None where none is near."""
    distances = {other: _distance(name, other) for other in sorted(known)}
    found = sorted(distances, key = lambda other: distances[other])
    return found[0] if found and distances[found[0]] <= max(2, len(name) // 3) else None
