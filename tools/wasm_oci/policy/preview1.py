"""What the functions of WASI preview 1 can do, in terms of the interfaces that replaced them (WASI repository, legacy/preview1/docs.md)."""

from __future__ import annotations

MODULES = frozenset({"wasi_snapshot_preview1", "wasi_unstable"})
ANYTHING = "wasi:*"
"""What a function can do that is not known here."""

_FILES = "wasi:filesystem/types"
_STREAMS = ("wasi:cli/stdin", "wasi:cli/stdout", "wasi:cli/stderr")
_SOCKETS = "wasi:sockets/tcp"
_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "args_get": ("wasi:cli/environment",),
    "args_sizes_get": ("wasi:cli/environment",),
    "environ_get": ("wasi:cli/environment",),
    "environ_sizes_get": ("wasi:cli/environment",),
    "clock_res_get": ("wasi:clocks/wall-clock", "wasi:clocks/monotonic-clock"),
    "clock_time_get": ("wasi:clocks/wall-clock", "wasi:clocks/monotonic-clock"),
    "fd_close": _STREAMS,
    "fd_fdstat_get": _STREAMS,
    "fd_fdstat_set_flags": _STREAMS,
    "fd_read": _STREAMS,
    "fd_write": _STREAMS,
    "poll_oneoff": ("wasi:io/poll", "wasi:clocks/monotonic-clock"),
    "proc_exit": ("wasi:cli/exit",),
    "proc_raise": ("wasi:cli/exit",),
    "random_get": ("wasi:random/random",),
    "sched_yield": ("wasi:clocks/monotonic-clock",),
    "fd_prestat_get": (_FILES, "wasi:filesystem/preopens"),
    "fd_prestat_dir_name": (_FILES, "wasi:filesystem/preopens"),
}
_PREFIXES = {"path_": (_FILES,), "fd_": (_FILES,), "sock_": (_SOCKETS,)}
"""Of all other functions. Only those of files take or return more than the descriptors that a host gave."""


def interfaces_of(function: str) -> tuple[str, ...]:
    """Returns the interfaces that a function stands for; `ANYTHING` for an unknown one."""
    if function in _FUNCTIONS:
        return _FUNCTIONS[function]
    return next((found for prefix, found in _PREFIXES.items() if function.startswith(prefix)), (ANYTHING,))
