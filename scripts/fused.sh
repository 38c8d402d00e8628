#!/usr/bin/env bash
# fused.sh PACKAGE...: fail if the compiler for arm64 fuses a product with a sum (x*y+z, rounded once). The bits of such
# code differ from x86-64's, where Go fuses nothing: write float64(x*y)+z. Each line of the output names a place.
set -euo pipefail
cd "$(dirname "$0")/.."
listing=$(mktemp)
trap 'rm -f "$listing"' EXIT
GOARCH=arm64 go build -gcflags=-S "$@" >"$listing" 2>&1 || { grep -E '^(#|go:|[^[:space:]]+:[0-9]+:[0-9]+: )' "$listing"; exit 1; }
grep -q 'STEXT' "$listing" || { echo "fused.sh: the compiler listed no code"; exit 1; }
fused=$(grep -E $'\t(FMADD|FMSUB|FNMADD|FNMSUB)[SD]\t' "$listing" | grep -oE '\([^()]*:[0-9]+\)' | tr -d '()' | sed "s|^$PWD/||" | sort -u || true)
[ -z "$fused" ] || { echo "fused on arm64; write float64(x*y)+z:"; echo "$fused"; exit 1; }
