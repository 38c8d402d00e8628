#!/usr/bin/env bash
# Checks the CUDA code on this machine: scripts/gpu_check.sh says what it takes. Ends with an error when a check fails.
#
#   ./run.sh IMAGES WEIGHTS [CHECK …]      checks: tests deterministic bench accuracy; default: the first three
set -euo pipefail
data=$(realpath "${1:?want an image folder}") weights=${2:?want a file of weights, or none}
[ "$weights" = none ] || weights=$(realpath "$weights")
shift 2
[ $# -gt 0 ] || set -- tests deterministic bench
cd "$(dirname "$0")"
python=${PYTHON:-python3}
torch=$($python -c 'import os, torch; print(os.path.dirname(torch.__file__))')
export LD_LIBRARY_PATH=$PWD/lib:$torch/lib OMP_WAIT_POLICY=passive PYTHONUNBUFFERED=1
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
bin/hymenoptera doctor

for check in "$@"; do
	echo "== $check"
	case $check in
	tests) HYMENOPTERA_GPU=1 bin/trainer.test -test.run CUDA -test.v -test.failfast=false ;;
	deterministic)
		tmp=$(mktemp -d)
		for i in 1 2; do
			bin/hymenoptera train -q --deterministic --device cuda --data "$data" --weights "$weights" --epochs 3 --out "$tmp/$i"
		done
		python3 - "$tmp" <<-'PY'
			import json, sys
			runs = [json.load(open(f"{sys.argv[1]}/{i}/result.json")) for i in (1, 2)]
			losses = [[(p["loss"], p["corrects"]) for p in map(json.loads, open(f"{sys.argv[1]}/{i}/history.jsonl"))] for i in (1, 2)]
			assert losses[0] == losses[1] and runs[0]["final_sha256"] == runs[1]["final_sha256"], (losses, runs)
			print("--deterministic: 3 epochs twice, every loss and the weights equal")
		PY
		rm -rf "$tmp"
		;;
	bench) $python bench/gpu.py --data "$data" --weights "$weights" ${ROUNDS:+--rounds $ROUNDS} ;;
	accuracy) $python bench/accuracy.py --device cuda --data "$data" --weights "$weights" ;;
	*) echo "run.sh: no check $check: want tests, deterministic, bench or accuracy" >&2; exit 2 ;;
	esac
done
