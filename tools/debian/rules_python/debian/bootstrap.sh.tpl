#!/bin/sh
# Starts a Python program of Bazel without a first interpreter that looks for the second, and without Debian's own
# packages on its path (-S): what BUILD files do not name is not there.
self=$0
root=
while [ -z "$root" ]; do
    case $self in /*) ;; *) self=$PWD/$self ;; esac
    if [ -d "$self.runfiles" ]; then
        root=$self.runfiles
    elif [ -L "$self" ] && case $(readlink "$self") in /*) false ;; esac; then
        self=${self%/*}/$(readlink "$self")
    else
        case $self in
        *.runfiles/*) root=${self%.runfiles/*}.runfiles ;;
        *)
            [ -L "$self" ] || { echo "$0: no runfiles beside it" >&2; exit 1; }
            self=$(readlink "$self")
            ;;
        esac
    fi
done
[ -n "${RUNFILES_DIR-}${RUNFILES_MANIFEST_FILE-}" ] || export RUNFILES_DIR="$root"
path=
rest=%imports%:
while [ -n "$rest" ]; do
    path=$path$root/${rest%%:*}:
    rest=${rest#*:}
done
export PYTHONPATH="$path$root/%workspace_name%:$root${PYTHONPATH:+:$PYTHONPATH}"
exec %python_binary% -S "$root/%main%" "$@"
