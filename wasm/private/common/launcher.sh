#!/bin/sh
# Finds the program and its request among the runfiles and becomes the program.
# shellcheck disable=SC1083,SC2034,SC2093  # the words in braces are filled in by the rule
set -eu
program={{program}}
request={{request}}

start_in() { # start_in FOLDER ARG...: returns where the folder does not have both
    folder=$1
    shift
    case $folder in '' | /*) ;; *) folder=$PWD/$folder ;; esac
    if [ -e "$folder/$request" ] && [ -e "$folder/$program" ]; then
        unset RUNFILES_MANIFEST_FILE
        export RUNFILES_DIR="$folder"
        exec "$folder/$program" {{command}} --request "$folder/$request" "$@"
    fi
}

case $0 in /*) self=$0 ;; *) self=$PWD/$0 ;; esac
start_in "$self.runfiles" "$@"
start_in "${self%.runfiles/*}.runfiles" "$@"
start_in "${RUNFILES_DIR-}" "$@"
followed=$self
while [ -L "$followed" ]; do
    link=$(readlink "$followed")
    case $link in /*) followed=$link ;; *) followed=${followed%/*}/$link ;; esac
    start_in "$followed.runfiles" "$@"
    start_in "${followed%.runfiles/*}.runfiles" "$@"
done

# Without a tree of runfiles there is a list of them: `path target` on each line, or ` path target` with \s for a space, \n for
# a line end and \b for a backslash.
escaped() { printf '%s' "$1" | sed -e 's/\\/\\b/g' -e 's/ /\\s/g'; }
unescaped() {
    printf '%s' "$1" | sed -e 's/\\n/\
/g' -e 's/\\b/\\/g'
}
find_in() {
    key=" $(escaped "$2") "
    while IFS= read -r line; do
        case $line in
        "$2 "*) printf '%s' "${line#"$2 "}" ;;
        "$key"*) unescaped "${line#"$key"}" ;;
        esac
    done <"$1"
}
for manifest in "$self.runfiles_manifest" "$self.runfiles/MANIFEST" "${RUNFILES_MANIFEST_FILE-}" \
    "$followed.runfiles_manifest" "$followed.runfiles/MANIFEST"; do
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
