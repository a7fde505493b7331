#!/bin/sh
# Checks pq-ratchet.pml with SPIN (Debian: apt-get install spin gcc libc6-dev), in a folder of its own: the model as it is without an error,
# and every broken variant, and the claim that two epochs never come, with one. Prints a line for each.
set -eu
model=$(cd "$(dirname "$0")" && pwd)/pq-ratchet.pml
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

errors() {
  spin "$@" -a "$model" >spin.log || { cat spin.log >&2; exit 1; }
  gcc -O2 -DSAFETY -o pan pan.c
  ./pan -m100000 -w22 >pan.log
  if grep -q 'max search depth too small' pan.log; then echo "the search was cut off" >&2; exit 1; fi
  sed -n 's/.*errors: \([0-9]*\)$/\1/p' pan.log
}
expect() {
  name=$1 wanted=$2
  shift 2
  found=$(errors "$@")
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored$/\1/p' pan.log)
  echo "$name: $found errors, $states states"
  [ "$found" = "$wanted" ] || exit 1
}

expect 'model' 0
expect 'two epochs are mixed (found as an error)' 1 -DREACH
expect 'broken: a secret is mixed twice' 1 -DBROKEN_MIXED_TWICE
expect 'broken: encapsulates anew for every message' 1 -DBROKEN_ENCAPSULATES_AGAIN
expect 'broken: the answer is forgotten before it is mixed' 1 -DBROKEN_FORGETS_ANSWER
