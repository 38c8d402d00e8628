#!/usr/bin/env bash
# check_arm64.sh ARCHIVE DATA WEIGHTS: unpack the archive of make dist ARCH=arm64 in a bare Debian for arm64, in an emulator,
# and try it there: doctor; demo --quick, to its report; and predict on 12 photographs, whose classes must be x86-64's, and
# whose logits may differ by 1e-4 (make check-arm64).
set -euo pipefail
cd "$(dirname "$0")/.."
archive=$1 data=$2 weights=$3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tree=$tmp/debian

command -v mmdebstrap >/dev/null || {
	[ "$(id -u)" = 0 ] || { echo "mmdebstrap is missing. Type:  sudo apt-get install mmdebstrap" >&2; exit 1; }
	apt-get install -y -qq mmdebstrap >/dev/null
}
# The emulator finds none of its libraries in the tree, so it must be a static one.
if ! command -v qemu-aarch64-static >/dev/null; then
	(cd "$tmp" && apt-get -qq -o APT::Sandbox::User=root download qemu-user-static && dpkg -x qemu-user-static*.deb qemu)
	PATH=$tmp/qemu/usr/bin:$PATH
fi
# Install what every Debian has: apt and its dependencies.
mmdebstrap --quiet --arch=arm64 --variant=extract --include=apt,coreutils bookworm "$tree"
mkdir -p "$tree"/{opt,proc,sys,root}
tar -C "$tree/opt" -xf "$archive"
program=/opt/$(basename "$archive" .tar.gz)/bin/hymenoptera

# What x86-64 makes: a network that learned photographs.
mkdir "$tree/root/photographs"
for class in "$data"/val/*/; do
	find -L "$class" -name '*.jpg' | sort | head -6 | xargs -I{} cp {} "$tree/root/photographs/"
done
bin/hymenoptera train -q --device cpu --epochs 3 --data "$data" --weights "$weights" --out "$tree/root/run"

# there COMMAND...: run a command in the tree, which sees only /proc and /sys of this machine.
there() {
	scripts/emulate.sh unshare --map-root-user --mount bash -ec '
		mount --rbind /proc "$1/proc"
		mount --rbind /sys "$1/sys"
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root OMP_NUM_THREADS=1 QEMU_CPU=neoverse-n1 chroot "$@"' - "$tree" "$@"
}
there "$program" --version
there "$program" doctor
there "$program" demo --quick --out /root/demo
ls -l "$tree/root/demo"
test -s "$tree/root/demo/report.html"

there "$program" predict --device cpu --json --checkpoint /root/run /root/photographs >"$tmp/arm64"
(cd "$tree/root" && "$OLDPWD/bin/hymenoptera" predict --device cpu --json --threads 1 --checkpoint run photographs) >"$tmp/x86-64"
python3 - "$tmp/x86-64" "$tmp/arm64" <<'PYTHON'
import json, os, sys

want, got = ({os.path.basename(p["file"]): p for p in map(json.loads, open(f))} for f in sys.argv[1:])
assert want.keys() == got.keys() and len(want) == 12, (len(want), len(got))
largest = 0
for name in sorted(want):
    w, g = want[name], got[name]
    largest = max(largest, *(abs(a - b) for a, b in zip(w["logits"], g["logits"], strict=True)))
    for where, p in ("x86-64", w), ("arm64 ", g):
        print(where, name, p["top"][0]["class"], *p["logits"])
    assert w["top"][0]["class"] == g["top"][0]["class"], name
print("12 photographs: the same classes, and logits that differ by at most", largest)
assert largest <= 1e-4
PYTHON
