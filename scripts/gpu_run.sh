#!/usr/bin/env bash
# Checks the CUDA code on this machine; see scripts/gpu_check.sh for what it needs. Ends with an error if a check fails.
#
#   [ROUNDS=5] [SEEDS=5] ./run.sh IMAGES WEIGHTS [CHECK …]
#
# Checks are tests, commands, deterministic, processes, bench and accuracy; without any all but the last run.
set -euo pipefail
[ $# -ge 2 ] || { sed -n 2,6p "$0" >&2; exit 2; }
data=$(realpath "$1") weights=$2
[ "$weights" = none ] || weights=$(realpath "$weights")
shift 2
[ $# -gt 0 ] || set -- tests commands deterministic processes bench
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
	commands)
		tmp=$(mktemp -d)
		h() { local began=$SECONDS; bin/hymenoptera "$@" --device cuda >"$tmp/out" || { cat "$tmp/out"; exit 1; }; echo "$((SECONDS - began)) s  $*"; }
		n=0
		for mode in '--fast' '--fast --freeze' '--fast --model googlenet' '--fast --optimizer adamw' '--fast --cache off' \
			'--freeze --probe' '--fast --freeze --probe' '--workers 0'; do
			h train -q $mode --data "$data" --weights none --epochs 3 --out "$tmp/$((++n))"
			tail -qn 1 "$tmp/$n/history.jsonl"
		done
		for mode in '' --fast; do
			h eval $mode --checkpoint "$tmp/1/best.safetensors" --data "$data"
			tail -n 4 "$tmp/out"
			h predict $mode --csv --checkpoint "$tmp/1/best.safetensors" "$data/val"
			tail -n 1 "$tmp/out"
		done
		! bin/hymenoptera train -q --fast --lr 1e6 --data "$data" --weights none --device cuda --epochs 2 --out "$tmp/nan" || exit 1
		rm -rf "$tmp"
		;;
	deterministic)
		tmp=$(mktemp -d)
		for i in 1 2; do
			bin/hymenoptera train -q --deterministic --device cuda --data "$data" --weights "$weights" --epochs 3 --out "$tmp/$i"
		done
		$python - "$tmp" <<-'PY'
			import json, sys
			runs = [json.load(open(f"{sys.argv[1]}/{i}/result.json")) for i in (1, 2)]
			losses = [[(p["loss"], p["corrects"]) for p in map(json.loads, open(f"{sys.argv[1]}/{i}/history.jsonl"))] for i in (1, 2)]
			assert losses[0] == losses[1] and runs[0]["final_sha256"] == runs[1]["final_sha256"], (losses, runs)
			print("--deterministic: 3 epochs twice, every loss and the weights equal")
		PY
		rm -rf "$tmp"
		;;
	processes)
		[ "$(nvidia-smi -L | wc -l)" -ge 2 ] || { echo "NOT RUN: two processes take two GPUs"; continue; }
		tmp=$(mktemp -d)
		bin/hymenoptera launch --nproc 2 train --device cuda --data "$data" --weights "$weights" --epochs 2 --out "$tmp/run" 2>&1 | tee "$tmp/log"
		grep 'with NCCL' "$tmp/log"
		grep 'all 2 processes end with the same weights' "$tmp/log"
		rm -rf "$tmp"
		;;
	bench) $python bench/gpu.py --data "$data" --weights "$weights" ${ROUNDS:+--rounds $ROUNDS} ;;
	accuracy) $python bench/accuracy.py --device cuda --data "$data" --weights "$weights" ${SEEDS:+--seeds $SEEDS} --svg accuracy.svg ;;
	*) echo "run.sh: no check $check: want tests, commands, deterministic, processes, bench or accuracy" >&2; exit 2 ;;
	esac
done
