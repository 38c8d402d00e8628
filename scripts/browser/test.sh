#!/usr/bin/env bash
# Trains on generated sets, opens the runs' pages in a headless Chromium, and fails if test.js finds a fault.
#
#   scripts/browser/test.sh OUT        (make test-browser; runs, pages and screenshots go to OUT)
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:?usage: test.sh OUT}
script=test-browser
. scripts/browser/setup.sh
mkdir -p "$out"

rm -rf "$out"/{sets,plain,frozen,three,many,one,going,shots} "$out"/*.html
sets=$out/sets
go run scripts/make_set.go -seed 3 -train 100 -val 60 -min 120 -max 200 "$sets/plain"

# copy <set> <class> <train images> <val images>: a class of the plain set's pictures
next=0
copy() {
	local phase n i from
	for phase in train val; do
		mkdir -p "$sets/$1/$phase/$2"
		n=$3
		[ $phase = train ] || n=$4
		for ((i = 0; i < n; i++)); do
			from=(ants bees)
			cp "$sets/plain/$phase/${from[next % 2]}/$(printf %03d $((next / 2 % 60))).jpg" "$sets/$1/$phase/$2/$i.jpg"
			next=$((next + 1))
		done
	done
}
copy three 'ニホンミツバチ' 6 2
copy three 'عاملة النحل الصغيرة' 6 2
copy three 'the black garden ant, Lasius niger, in front of its nest under a stone in spring' 6 2
touch "$sets/three/train/notes.txt"
cp -r "$sets/plain" "$sets/leaky"
for i in 000 001 002; do
	cp "$sets/plain/val/ants/$i.jpg" "$sets/leaky/train/ants/copy-$i.jpg"
	cp "$sets/plain/val/bees/$i.jpg" "$sets/leaky/val/ants/bee-$i.jpg"
done
echo hello >"$sets/leaky/train/bees/broken.jpg"
for i in $(seq -w 200); do copy many "$i.kind_of_insect" 1 1; done
copy one 'bees' 6 1

train() { # <run> <set> <options…>
	bin/hymenoptera train --data "$sets/$2" --weights none --lr 0.01 --workers 2 --image-size 64 --batch-size 16 \
		--overwrite --out "$out/$1" "${@:3}" >"$out/$1.log" 2>&1 || { cat "$out/$1.log"; die "run $1 failed"; }
}
train plain plain --epochs 8 --step-size 5 --image-size 96 --batch-size 32
train frozen plain --epochs 6 --step-size 4 --image-size 64 --batch-size 32 --freeze
train three three --epochs 2
train many many --epochs 1
train one one --epochs 1
bin/hymenoptera eval --checkpoint "$out/frozen" --data "$sets/plain" --report "$out/evaluated.html" >"$out/evaluated.log"
bin/hymenoptera check "$sets/leaky" --html "$out/check.html" >"$out/check.log"
go run scripts/browser/large.go "$out/large.html"
bin/hymenoptera compare --html "$out/compare.html" "$out"/{plain,frozen} >"$out/compare.log"

# Tests the test: test.js must find every fault of a page that has one of each kind.
cat >"$out/bad.html" <<'BAD'
<!doctype html><title>bad</title><p style="color:#eee;background:#fff">pale</p><img src="x.png"><div style="width:3000px">wide</div>
<script>console.error("told")</script>
BAD
found=$(node scripts/browser/test.js "$out/shots" "$out/bad.html" 2>&1 || true)
for what in "console: told" "request: " "color-contrast" "image-alt" "pixels wide"; do
	grep -q "$what" <<<"$found" || die "the planted fault \"$what\" was not found:
$found"
done
rm "$out/bad.html" "$out"/shots/*bad*

node scripts/browser/test.js "$out/shots" "$out"/{plain,frozen,three,many,one}/report.html "$out"/{compare,evaluated,check,large}.html
node scripts/browser/serve.js "$out/shots" bin/hymenoptera "$out/plain/best.safetensors" "$sets/plain/val/bees/000.jpg"
