#!/usr/bin/env bash
# Builds dist/gpu-check, which has everything to check the CUDA code on a machine with an NVIDIA GPU, and runs the
# checks here if there is one.
#
#   scripts/gpu_check.sh [DATA [WEIGHTS]]      (make gpu-check DATA=… WEIGHTS=…)
#
# That machine needs Python with torch and torchvision as scripts/reference-requirements.txt names them, built for CUDA;
# it needs no Go and no compiler. Its own libtorch is used.
set -euo pipefail
cd "$(dirname "$0")/.."
out=dist/gpu-check
rm -rf $out
mkdir -p $out/bin $out/lib $out/scripts $out/bench
go build -ldflags='-s -w' -o $out/bin/hymenoptera ./cmd/hymenoptera
go test -c -ldflags='-s -w' -o $out/bin/trainer.test ./trainer
rpath=$(sed -n 's/.*-Wl,-rpath,\([^ ]*\) -Wl,-rpath,\([^ ]*\) .*/\1 \2/p' torch/cgo_libtorch.go)
for dir in $rpath; do
	cp $dir/libhymenoptera_*.so $out/lib/
done
strip --strip-unneeded $out/lib/*.so
cp scripts/gpu_run.sh $out/run.sh
cp scripts/reference.py scripts/reference_shards.py $out/scripts/
cp bench/gpu.py bench/accuracy.py $out/bench/
echo "gpu-check: $out is built ($(du -sh $out | cut -f1))"

if [ ! -e /proc/driver/nvidia/version ]; then
	echo "gpu-check: NOT RUN, no NVIDIA driver is loaded here. Copy $out and an image folder to a machine with a GPU and type there:"
	echo "    ./run.sh IMAGES WEIGHTS     # a file of weights, or none"
	exit 0
fi
exec $out/run.sh "${@}"
