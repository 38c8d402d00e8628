#!/usr/bin/env bash
# Exports a network and lets examples/onnx-go and examples/onnx-web (in a headless Chromium) classify three pictures: they must
# answer as predict does.
#
#   scripts/browser/onnx.sh DATA [CHECKPOINT]       (make test-onnx)
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${1:?usage: onnx.sh DATA [CHECKPOINT]} checkpoint=${2:-}
script=test-onnx
. scripts/browser/setup.sh

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp examples/onnx-web/* "$folder"
(cd "$folder" && npm install --silent --no-audit --no-fund)
if [ -z "$checkpoint" ]; then
	checkpoint=$folder/run/best.safetensors
	bin/hymenoptera train -q --device cpu --weights none --freeze --epochs 1 --data "$data" --out "$folder/run"
fi
bin/hymenoptera export --checkpoint "$checkpoint" --out "$folder/model.onnx" >/dev/null
bin/hymenoptera inspect --json "$checkpoint" | python3 -c 'import json, sys; print(json.load(sys.stdin)["metadata"]["classes"])' >"$folder/classes.json"
mapfile -t pictures < <(find "$(cd "$data/val" && pwd)" -name '*.jpg' | sort | awk 'NR % 50 == 1' | head -3)
node scripts/browser/onnx.js "$folder" bin/hymenoptera "$checkpoint" "${pictures[@]}"

ONNXRUNTIME=$(echo "${ONNX:?}"/onnxruntime/capi/libonnxruntime.so.*)
export ONNXRUNTIME
(cd examples/onnx-go && go build -o "$folder/onnx-go" .)
for picture in "${pictures[@]}"; do
	got=$("$folder/onnx-go" "$folder/model.onnx" "$picture" | sort -k2 -nr | awk 'NR == 1 { print $1 }')
	want=$(bin/hymenoptera predict -q --checkpoint "$checkpoint" "$picture" | awk '{ print $1 }')
	echo "$(basename "$picture"): $got by examples/onnx-go, $want by predict"
	[ "$got" = "$want" ] || die "the answers differ"
done
