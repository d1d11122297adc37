"""Paths on the machine that runs a target: no inputs of the build, and no labels."""

visibility(["//tests/...", "//wasm/..."])

_HOME = ("~/", "$HOME/", "${HOME}/")

def _is_windows_path(path):
    return len(path) > 2 and path[1] == ":" and path[2] in "\\/"

def file_path_error(path):
    """Says why a path is not that of a file outside the build, or returns None."""
    if path.startswith("//") or path.startswith("@") or path.startswith(":"):
        return "is a label, and a file with credentials must not be in the build; write an absolute path, or one that begins with \"~/\""
    if path.startswith("/") or path.startswith("~/") or _is_windows_path(path):
        return None
    return "is not an absolute path; write one, or one that begins with \"~/\""

def _is_folder_path(path):
    start = [home for home in _HOME if path.startswith(home)]
    if start:
        rest = path.removeprefix(start[0])
    elif path.startswith("/"):
        rest = path[1:]
        if rest.startswith("/"):
            return False
    elif _is_windows_path(path):
        rest = path[3:]
    else:
        return path[0] not in "$~@:-" and "$" not in path and ":" not in path
    return rest != "" and "$" not in rest

def folder_path_error(path):
    """Says why a path is not that of a folder that a run may make, or returns None; empty is none."""
    if not path or _is_folder_path(path):
        return None
    return "is not the path of a folder; write an absolute path, one that begins with \"~/\" or \"$HOME/\", or one below the workspace"
