#!/usr/bin/env bash
# Makes dist/hymenoptera-<version>-linux-x86-64/ (or -arm64) and a .tar.gz of it: the program and every library that it needs
# beyond those of a bare Debian or Ubuntu (C and C++ runtimes), for a machine without Go, Python or a compiler. CPU only.
#
#   scripts/dist.sh PROGRAM     (make dist; needs patchelf and binutils)
#
# For another processor the environment is that of vendor/.arm64/env: EMULATOR runs the program, STRIP strips it.
set -euo pipefail
program=$1
cd "$(dirname "$0")/.."
die() { echo "dist: $*" >&2; exit 1; }

for tool in patchelf strip; do
	command -v $tool >/dev/null && continue
	[ "$(id -u)" = 0 ] || die "$tool is missing. On Debian or Ubuntu type:  sudo apt-get install patchelf binutils"
	apt-get install -y -qq patchelf binutils >/dev/null
done

# ldd, also in the emulator.
libraries() { if [ "${EMULATOR:-}" ]; then $EMULATOR -E LD_TRACE_LOADED_OBJECTS=1 "$1"; else ldd "$1"; fi; }

version=$(${EMULATOR:-} "$program" --version | awk '$1 == "hymenoptera" { print $2 }')
arch=$(go env GOARCH | sed s/amd64/x86-64/)
name=hymenoptera-$version-linux-$arch
out=dist/$name
rm -rf "$out" "$out.tar.gz"
mkdir -p "$out/bin" "$out/lib" "$out/licences"

# What the system has itself, or must have itself.
ours='^lib(hymenoptera_gotch|torch_cpu|c10|gomp|cudart|cupti|arm_compute|arm_compute_graph|nvpl_[a-z0-9_]*|(jpeg|tiff|webp|webpdemux|sharpyuv|zstd|lzma)-[0-9a-f]*)\.so'
# libcupti and libcudart are only there for the loader: without a GPU nothing calls them.
libraries "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | while read -r lib path; do
	if [[ $lib =~ $ours ]]; then
		install -m 755 "$path" "$out/lib/$lib"
		${STRIP:-strip} --strip-unneeded "$out/lib/$lib"
		patchelf --force-rpath --set-rpath '$ORIGIN' "$out/lib/$lib"
	fi
done
install -m 755 "$program" "$out/bin/hymenoptera"
patchelf --force-rpath --set-rpath '$ORIGIN/../lib' "$out/bin/hymenoptera"

# Everything must come from the folder or be the system's own.
foreign=$(LD_LIBRARY_PATH='' libraries "$out/bin/hymenoptera" | awk '$2 == "=>" { print $3 }' |
	grep -v -e "^$PWD/$out/" -e '^/lib/' -e '^/lib64/' -e '^/usr/lib/' || true)
[ -z "$foreign" ] || die "the program needs libraries that are not in the folder: $foreign"

# Licences: ours, libtorch's, NVIDIA's, Go's, and those of the modules that are linked in.
cp LICENSE "$out/licences/hymenoptera"
libtorch=$(dirname "$(libraries "$program" | awk '$1 == "libtorch_cpu.so" { print $3 }')")/../..
for d in "$libtorch"/*.dist-info; do
	[ -d "$d/licenses" ] || continue
	for f in "$d"/licenses/*; do
		cp "$f" "$out/licences/$(basename "$d" .dist-info)-$(basename "$f")"
	done
done
cp "$(go env GOROOT)/LICENSE" "$out/licences/go"
go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}' ./cmd/hymenoptera | sort -u | while read -r module; do
	found=
	for f in vendor/"$module"/{LICENSE,LICENCE,COPYING,NOTICE}*; do
		[ -f "$f" ] || continue
		cp "$f" "$out/licences/${module//\//_}-$(basename "$f")"
		found=1
	done
	[ "$found" ] || die "module $module has no licence in vendor/"
done
codecs=$(dirname "$(libraries "$program" | awk '$1 ~ /^libjpeg-/ { print $3 }')")
[ ! -e internal/malloc/jemalloc/cgo_jemalloc.go ] || cp "${SYSROOT:-}/usr/share/doc/libjemalloc-dev/copyright" "$out/licences/jemalloc"
cp "$codecs"/licences/LICENSE "$out/licences/pillow-libraries" # libjpeg-turbo, libtiff, libwebp, zstd, xz
cat >"$out/licences/libgomp" <<'TEXT'
lib/libgomp.so.1 is GCC's OpenMP runtime, as the PyTorch wheel carries it: GNU General Public License, version 3, with the GCC
Runtime Library Exception, version 3.1. Its source is part of GCC: https://gcc.gnu.org
TEXT
cat /usr/share/doc/gcc-*-base/copyright /usr/share/common-licenses/GPL-3 >>"$out/licences/libgomp" ||
	die "GCC's licences are not in /usr/share/doc and /usr/share/common-licenses"
[ ! -e "$out/lib/libnvpl_blas_core.so.0" ] || cat >"$out/licences/nvpl" <<'TEXT'
lib/libnvpl_*.so.0 are libraries of NVIDIA (NVPL BLAS and LAPACK), as the PyTorch wheel carries them. They have a licence of
NVIDIA's, of which the wheel has no copy: https://docs.nvidia.com/nvpl
TEXT
cat >"$out/README" <<TEXT
hymenoptera $version for $arch Linux with glibc 2.34 or newer and libstdc++ (Debian 12, Ubuntu 22.04 and later). CPU only.

    bin/hymenoptera demo        # train on drawn ants and bees
    bin/hymenoptera --help

The folder may lie anywhere. licences/ has the licences of everything in it.
TEXT

tar -C dist --owner=0 --group=0 --sort=name -cf - "$name" | gzip -9 >"dist/$name.tar.gz"
du -sh "$out" "dist/$name.tar.gz" | sed 's/^/dist: /'
