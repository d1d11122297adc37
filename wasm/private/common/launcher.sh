#!/bin/sh
# Finds the program and its request among the runfiles and becomes the program.
# shellcheck disable=SC1083,SC2034,SC2093  # the words in braces are filled in by the rule
set -eu
program={{program}}
request={{request}}

case $0 in /*) self=$0 ;; *) self=$PWD/$0 ;; esac
for folder in "$self.runfiles" "${self%.runfiles/*}.runfiles" "${RUNFILES_DIR-}"; do
    case $folder in '' | /*) ;; *) folder=$PWD/$folder ;; esac
    if [ -e "$folder/$request" ] && [ -e "$folder/$program" ]; then
        unset RUNFILES_MANIFEST_FILE
        export RUNFILES_DIR="$folder"
        exec "$folder/$program" {{command}} --request "$folder/$request" "$@"
    fi
done

# Without a tree of runfiles there is a list of them: `path target` on each line.
find_in() { while IFS= read -r line; do case $line in "$2 "*) printf '%s' "${line#"$2 "}" ;; esac; done <"$1"; }
for manifest in "$self.runfiles_manifest" "$self.runfiles/MANIFEST" "${RUNFILES_MANIFEST_FILE-}"; do
    case $manifest in '' | /*) ;; *) manifest=$PWD/$manifest ;; esac
    [ -f "$manifest" ] || continue
    found=$(find_in "$manifest" "$request")
    [ -n "$found" ] || continue
    unset RUNFILES_DIR
    export RUNFILES_MANIFEST_FILE="$manifest"
    exec "$(find_in "$manifest" "$program")" {{command}} --request "$found" "$@"
done
echo "$0: its runfiles are missing; start it with bazel run, or keep $0.runfiles beside it" >&2
exit 2
