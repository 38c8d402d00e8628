#!/usr/bin/env bash
# curves_arm64.sh: scripts/make_curves.py by PyTorch for arm64, in an emulator (make curves-arm64). Python comes from Debian's
# arm64 packages and the reference from its arm64 wheels, into the cache folder: 5 GB, with CUDA's libraries, which the
# wheel of PyTorch needs to start.
set -euo pipefail
cd "$(dirname "$0")/.."
requirements=scripts/reference-requirements.txt
here=${XDG_CACHE_HOME:-$HOME/.cache}/hymenoptera/reference-arm64-$(sha256sum $requirements | cut -c-12)

if [ ! -e "$here" ]; then
	command -v mmdebstrap >/dev/null || {
		[ "$(id -u)" = 0 ] || { echo "mmdebstrap is missing. Type:  sudo apt-get install mmdebstrap" >&2; exit 1; }
		apt-get install -y -qq mmdebstrap >/dev/null
	}
	rm -rf "$here.partial"
	mkdir -p "$here.partial/tmp"
	# Python 3.11, which the wheels are for. The packages are unpacked, but none of their programs is run.
	mmdebstrap --quiet --arch=arm64 --variant=extract --include=python3,libstdc++6,libgomp1 bookworm "$here.partial/debian"
	TMPDIR=$here.partial/tmp PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --target "$here.partial/site" --no-cache-dir --only-binary=:all: \
		--python-version 3.11 --implementation cp --abi cp311 $(printf -- "--platform manylinux%s_aarch64 " _2_28 _2_27 _2_25 _2_18 _2_17 2014) \
		-r $requirements
	rm -rf "$here.partial/tmp"
	mv -T "$here.partial" "$here"
fi

# With threads that wait for each other the emulator takes many times as long; make_curves.py asks for two where it needs
# them.
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
export QEMU_LD_PREFIX=$here/debian PYTHONHOME=$here/debian/usr PYTHONPATH=$here/site
exec scripts/emulate.sh "$here/debian/usr/bin/python3.11" -W ignore scripts/make_curves.py
