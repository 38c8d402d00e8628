#!/usr/bin/env bash
# setup.sh: everything that a build of this clone needs. Safe to repeat, to interrupt and to run twice at once.
#
#   1 tools      what is missing is installed (root on Debian or Ubuntu) or named, with the command to type
#   2 libtorch   the pinned wheels, unpacked into the cache folder; or $LIBTORCH, a libtorch 2.11 of yours
#   3 gotch      gotch's C++ compiled once against that libtorch, into the cache folder
#   4 graphs     what CUDA graphs and NCCL take, compiled with CUDA's headers: libraries that are loaded where there is a GPU
#   5 codecs     libjpeg-turbo, libtiff and libwebp out of Pillow's wheel, into the cache folder
#   6 vendor     this clone's Go modules, and the cgo flags that point at 2 to 5
#
# ARCH=arm64 on x86-64 does this first, and then 1 to 5 for arm64 (with headers and libraries of arm64 packages of Debian
# in the cache folder); vendor/.arm64 gets the flags, as an overlay of the clone's files, which stay as they are.
#
# Environment: LIBTORCH (an existing libtorch), TORCH_VARIANT=cpu|cuda (default: cuda where an NVIDIA
# driver is loaded), ARCH, XDG_CACHE_HOME. Every finished step is renamed into place, so that one which was
# interrupted is never taken for a whole one.
set -euo pipefail
cd "$(dirname "$0")/../.."

torch_version=2.11.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hymenoptera
here=scripts/setup
machine=$(uname -m | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/') # as Go names it
arch=${ARCH:-$machine}
variant=${TORCH_VARIANT:-}
[ -n "$variant" ] || { [ -e /proc/driver/nvidia/version ] && [ "$arch" = "$machine" ] && variant=cuda || variant=cpu; }

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
hash_of() { sha256sum | cut -c1-16; }

case $variant in cpu | cuda) ;; *) die "TORCH_VARIANT=$variant: want cpu or cuda" ;; esac
case $arch in
amd64) suffix='' wheels=x86_64 ;; # suffix: of the lists of wheels, and of libtorch's folder
arm64) suffix=-arm64 wheels=aarch64 ;;
*) die "this is $(uname -s) on $arch; the pinned libtorch exists for Linux on x86-64 and arm64 only" ;;
esac
cross='' flags='' sysroot='' # before the names of compilers, and what these take, where arch is not this machine's
if [ "$arch" != "$machine" ]; then
	[ "$machine/$arch" = amd64/arm64 ] || die "ARCH=$arch on $machine: only x86-64 builds for another processor, arm64"
	[ -z "${LIBTORCH:-}" ] || die "LIBTORCH is this machine's; ARCH=$arch needs another: unset one of them"
	ARCH='' "$here/setup.sh"
	. /etc/os-release
	cross=aarch64-linux-gnu-
	sysroot=$cache/sysroot/$arch-${VERSION_CODENAME:-unknown}-1
	flags="-I$sysroot/usr/include -I$sysroot/usr/include/aarch64-linux-gnu -L$sysroot/usr/lib/aarch64-linux-gnu -Wl,-rpath-link,$sysroot/lib/aarch64-linux-gnu"
fi
if [ -n "${LIBTORCH:-}" ]; then
	libtorch=$(cd "$LIBTORCH" 2>/dev/null && pwd) || die "LIBTORCH=$LIBTORCH: no such folder"
else
	libtorch=$cache/libtorch/$torch_version-$variant$suffix/torch
fi

# The quick way out: this clone was set up from the same files for the same libtorch.
imports=$(grep -rhoE '^\s*(_ )?"[a-z0-9]+\.[a-z]+/[^"]+"' --include='*.go' --exclude-dir=vendor . | tr -d ' \t' | sort -u)
gotch=$cache/gotch/$({ cat $here/compat.h $here/gotch_names.sh; grep sugarme/gotch go.sum; echo "$libtorch"; } | hash_of)
graphs=$cache/graphs/$({ cat torch/graph/graph.cc torch/dist/nccl/nccl.cc torch/guard.h $here/requirements-cuda-headers$suffix.txt; echo "$libtorch"; } | hash_of)
codecs=$cache/codecs/$(hash_of <$here/requirements-pillow$suffix.txt)
stamp() { { cat go.mod go.sum $here/*; echo "$imports $libtorch $gotch $graphs $codecs" /usr/lib/*/libjemalloc_pic.a; } | hash_of; }
if [ "$(cat vendor/${cross:+.$arch/}.setup 2>/dev/null)" = "$(stamp)" ] && [ -e torch/dist/cgo_libtorch.go ] &&
	[ -e internal/webp/cgo_codecs.go ] && [ -e "$codecs" ] && [ -e "${sysroot:-/}" ] &&
	[ -e "$libtorch/lib/libtorch_cpu.so" ] && [ -e "$gotch/libhymenoptera_gotch.so" ]; then
	exit 0
fi

# --- 1 tools -------------------------------------------------------------------------------------
check_platform() {
	[ "$(uname -s)" = Linux ] || die "this is $(uname -s); the pinned libtorch exists for Linux on x86-64 and arm64 only"
	command -v go >/dev/null || die "Go is missing: install $(awk '/^go /{print $2}' go.mod) or newer from https://go.dev/dl"
}

has_header() { printf '#include <stdio.h>\n#include <%s>\n' "$1" | cc -E -x c - >/dev/null 2>&1; }

missing_packages() {
	if [ -n "$cross" ]; then
		command -v ${cross}g++ >/dev/null || echo g++-aarch64-linux-gnu
		command -v qemu-aarch64 >/dev/null || echo qemu-user
		return
	fi
	command -v g++ >/dev/null || echo g++
	command -v flock >/dev/null || echo util-linux
	python3 -m pip --version >/dev/null 2>&1 || echo python3-pip
	has_header jpeglib.h || echo libjpeg-dev
	has_header tiffio.h || echo libtiff-dev
	has_header webp/demux.h || echo libwebp-dev
	has_header zlib.h || echo zlib1g-dev
}

# What the build does not need: trainings take up to a fifth longer with glibc's malloc.
useful_packages() { [ -n "$cross" ] || has_jemalloc || echo libjemalloc-dev; }

has_jemalloc() { echo 'int main(void){return 0;}' | ${cross:+${cross}g}cc -x c - $flags -l:libjemalloc_pic.a -lstdc++ -lm -o /dev/null 2>/dev/null; }

install_packages() {
	local missing useful
	missing=$(missing_packages | tr '\n' ' ')
	useful=$(useful_packages)
	[ -n "$missing$useful" ] || return 0
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		say "installing $missing$useful"
		apt-get update -qq >&2
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing $useful >&2
		missing=$(missing_packages | tr '\n' ' ')
		[ -z "$missing" ] || die "still missing after the installation: $missing"
	elif [ -n "$missing" ]; then
		die "missing: ${missing% }. On Debian or Ubuntu type:  sudo apt-get install -y $missing$useful"
	fi
	[ -n "$cross" ] || has_jemalloc || say "without libjemalloc-dev trainings take up to a fifth longer; install it, then type make setup"
}

# Fetches headers for pictures and zlib, jemalloc, and the libraries to run programs in an emulator from Debian's
# packages, with an apt that has its own folders. It does not change the system and needs no rights.
fetch_sysroot() {
	[ ! -e "$sysroot" ] || return 0
	local tmp=$sysroot.partial deb
	[ "$ID" = debian ] || die "ARCH=$arch takes headers and libraries from Debian's arm64 packages, and this is ${PRETTY_NAME:-$ID}; build on an arm64 machine, or in a Debian container"
	say "fetching arm64 headers and libraries of Debian $VERSION_CODENAME: 5 MB"
	rm -rf "$tmp"
	mkdir -p "$tmp/apt/state/lists/partial" "$tmp/apt/cache/archives/partial"
	: >"$tmp/apt/status"
	cat >"$tmp/apt/conf" <<-EOF
		APT::Architecture "arm64";
		APT::Architectures "arm64";
		Dir::State "$tmp/apt/state";
		Dir::State::status "$tmp/apt/status";
		Dir::Cache "$tmp/apt/cache";
		APT::Sandbox::User "";
		#clear APT::Update::Post-Invoke;
	EOF
	(
		cd "$tmp/apt"
		export APT_CONFIG=$tmp/apt/conf
		apt-get -qq update >&2
		apt-get -qq download libjpeg62-turbo-dev libtiff-dev libwebp-dev zlib1g-dev zlib1g libjemalloc-dev libc6 libgcc-s1 libstdc++6 >&2
		for deb in *.deb; do dpkg -x "$deb" "$tmp"; done
	) || die "the arm64 packages could not be fetched; apt's message is above"
	rm -rf "$tmp/apt"
	mv -T "$tmp" "$sysroot"
}

# --- 2 libtorch ----------------------------------------------------------------------------------
check_version() { # of the headers in $libtorch
	local found
	[ -e "$libtorch/lib/libtorch_cpu.so" ] || die "LIBTORCH=$libtorch: no lib/libtorch_cpu.so in it"
	found=$(echo '#include <torch/version.h>
found TORCH_VERSION_MAJOR.TORCH_VERSION_MINOR' |
		${cross}g++ -E -x c++ -I"$libtorch/include" -I"$libtorch/include/torch/csrc/api/include" - 2>/dev/null |
		awk '/^found/{gsub(" ", ""); sub("found", ""); print}')
	[ "$found" = "${torch_version%.*}" ] ||
		die "LIBTORCH=$libtorch is libtorch ${found:-of unknown version}; this program needs ${torch_version%.*}"
}

need_space() { # <GB>
	local free
	mkdir -p "$cache"
	free=$(df -Pk "$cache" | awk 'NR==2{print int($4/1000000)}')
	[ "$free" -ge "$1" ] || die "$cache has $free GB free and libtorch needs $1 GB; free some or set XDG_CACHE_HOME"
}

fetch_libtorch() {
	[ ! -e "$libtorch/lib/libtorch_cpu.so" ] || return 0
	local final=${libtorch%/torch}
	case $variant in
	cpu) need_space 3; say "fetching libtorch $torch_version for the CPU${cross:+ ($arch)}: 0.5 GB, 1.2 GB unpacked" ;;
	cuda) need_space 9; say "fetching libtorch $torch_version for CUDA: 2.5 GB, 4 GB unpacked (TORCH_VARIANT=cpu: 0.5 GB)" ;;
	esac
	unpack "$final" "requirements-$variant$suffix.txt" ||
		die "pip could not fetch libtorch; its message is above. Type make setup to try again, or set LIBTORCH to a libtorch ${torch_version%.*} that you have"
}

unpack() { # <folder> <requirements>: the wheels that these name
	local tmp=$1.partial
	rm -rf "$tmp" "$tmp.pip"
	mkdir -p "$tmp" "$tmp.pip" # pip unpacks into TMPDIR first: it is beside the target, where there is room
	TMPDIR=$tmp.pip PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --target "$tmp" --no-cache-dir --no-deps --require-hashes --only-binary=:all: \
		--disable-pip-version-check --python-version 3.11 --implementation cp \
		$(printf -- "--platform manylinux%s_$wheels " _2_28 _2_27 _2_25 _2_18 _2_17 _2_12 _2_5 2014 2010 1) \
		-r "$here/$2" >&2 || return
	rm -rf "$tmp.pip"
	mv -T "$tmp" "$1"
}

# --- 3 gotch -------------------------------------------------------------------------------------
# gotch was generated for libtorch 2.1; compat.h says how its C++ compiles, unmodified, against 2.11.
# It goes into a shared library once, so that no clone and no test binary compiles it again.
# The program links only torch_cpu and c10 of libtorch. Empty archives replace the other libraries that
# gotch names, and CUDA is loaded at run time if there is a GPU.
compile_gotch() {
	[ ! -e "$gotch/libhymenoptera_gotch.so" ] || return 0
	local source tmp=$gotch.partial lib
	source=$(go mod download -json github.com/sugarme/gotch | awk -F'"' '/"Dir"/{print $4}')
	say "compiling gotch's C++ once, about a minute"
	rm -rf "$tmp"
	mkdir -p "$tmp/stubs"
	for lib in cuda cudart cublas cudnn caffe2_nvrtc nvrtc-builtins nvrtc nvToolsExt c10_cuda torch_cuda torch; do
		printf '!<arch>\n' >"$tmp/stubs/lib$lib.a"
	done
	cp $here/compat.h "$tmp/"
	sh $here/gotch_names.sh "$source" >"$tmp/gotch_names.inc"
	${cross}g++ -std=c++17 -O1 -fPIC -w -shared -include "$tmp/compat.h" -I"$tmp" -I"$source/libtch" \
		-I"$libtorch/include" -I"$libtorch/include/torch/csrc/api/include" -D_GLIBCXX_USE_CXX11_ABI=1 \
		"$source/libtch/torch_api.cpp" -o "$tmp/libhymenoptera_gotch.so" \
		-L"$libtorch/lib" -Wl,--allow-shlib-undefined -ltorch_cpu -lc10 -Wl,-rpath,"$libtorch/lib"
	mv -T "$tmp" "$gotch"
}

# --- 4 graphs ------------------------------------------------------------------------------------
# It needs only CUDA's headers, 3 MB, even with a libtorch of yours. Without them there are no graphs, and everything
# else works; make clean setup tries again.
compile_graphs() {
	[ ! -e "$graphs" ] || return 0
	local headers=$cache/cuda-headers-$(hash_of <$here/requirements-cuda-headers$suffix.txt) tmp=$graphs.partial
	rm -rf "$tmp"
	mkdir -p "$tmp"
	if [ -e "$headers" ] || unpack "$headers" requirements-cuda-headers$suffix.txt; then
		${cross}g++ -std=c++17 -O1 -fPIC -w -shared -I"$libtorch/include" -I"$libtorch/include/torch/csrc/api/include" \
			-I"$headers/nvidia/cu13/include" -D_GLIBCXX_USE_CXX11_ABI=1 torch/graph/graph.cc \
			-o "$tmp/libhymenoptera_cuda.so" -L"$libtorch/lib" -Wl,--allow-shlib-undefined \
			-ltorch_cuda -lc10_cuda -ltorch_cpu -lc10 -Wl,-rpath,"$libtorch/lib" && mv -T "$tmp" "$graphs" ||
			say "libhymenoptera_cuda.so could not be compiled against $libtorch: training on a GPU goes without CUDA graphs"
		compile_nccl "$headers/nvidia/cu13/include"
	else
		say "CUDA's headers could not be fetched: training on a GPU goes without CUDA graphs"
	fi
}

# c10d's NCCL needs all of CUDA's headers, which come with the libtorch for CUDA.
compile_nccl() { # <CUDA's headers>
	local nvidia=${libtorch%/torch}/nvidia
	[ -e "$graphs" ] && [ -e "$nvidia/nccl/include/nccl.h" ] || return 0
	${cross}g++ -std=c++17 -O1 -fPIC -w -shared -I"$libtorch/include" -I"$libtorch/include/torch/csrc/api/include" \
		-I"$nvidia/cu13/include" -I"$nvidia/nccl/include" -I"$1" -D_GLIBCXX_USE_CXX11_ABI=1 torch/dist/nccl/nccl.cc \
		-o "$graphs/libhymenoptera_nccl.so" -L"$libtorch/lib" -Wl,--allow-shlib-undefined \
		-ltorch_cuda -lc10_cuda -ltorch_cpu -lc10 -Wl,-rpath,"$libtorch/lib" ||
		say "libhymenoptera_nccl.so could not be compiled against $libtorch: gradients of several GPUs go through the host's memory"
}

# --- 5 codecs ------------------------------------------------------------------------------------
fetch_codecs() {
	[ ! -e "$codecs" ] || return 0
	local tmp=$codecs.fetched lib
	rm -rf "$tmp"
	unpack "$tmp" requirements-pillow$suffix.txt ||
		die "pip could not fetch Pillow's wheel, whose libraries decode the pictures; its message is above. Type make setup to try again"
	mkdir -p "$tmp/keep/licences"
	for lib in jpeg tiff webp webpdemux sharpyuv zstd lzma; do
		mv "$tmp/pillow.libs/lib$lib"-*.so* "$tmp/keep/"
		ln -s "$(cd "$tmp/keep" && echo "lib$lib"-*.so*)" "$tmp/keep/libhymenoptera_$lib.so" # a name for the linker
	done
	cp "$tmp"/pillow-*.dist-info/licenses/* "$tmp/keep/licences/"
	mv -T "$tmp/keep" "$codecs"
	rm -rf "$tmp"
}

# If jemalloc is installed, the program links it; otherwise the program has glibc's malloc, and doctor says so.
jemalloc_file() {
	has_jemalloc || return 0
	cat <<-EOF
		// Code generated by scripts/setup/setup.sh. DO NOT EDIT.

		package jemalloc

		// #cgo LDFLAGS: -l:libjemalloc_pic.a -lstdc++ -lm
		// #include <stddef.h>
		// int mallctl(const char *, void *, size_t *, void *, size_t);
		// int (*const hym_mallctl)(const char *, void *, size_t *, void *, size_t) = mallctl;
		import "C"
	EOF
}

# --- 6 vendor ------------------------------------------------------------------------------------
# The vendored gotch loses the C++ that was compiled above and gains one file of flags, whose name
# sorts before gotch's lib.go so that our -L come first. Package torch gets the same for its own shim. A go.mod makes the
# vendored gotch a module: another module that imports this one names it with a replace directive.
cgo_file() { # <package>
	cat <<-EOF
		// Code generated by scripts/setup/setup.sh. DO NOT EDIT.

		package $1

		// #cgo CXXFLAGS: -std=c++17 -O2 -w -I$libtorch/include -I$libtorch/include/torch/csrc/api/include -D_GLIBCXX_USE_CXX11_ABI=1
		// #cgo LDFLAGS: -Wl,--no-as-needed -Wl,--allow-shlib-undefined -L$gotch/stubs -L$gotch -L$libtorch/lib
		// #cgo LDFLAGS: -lhymenoptera_gotch -ltorch_cpu -lc10 $rpath -Wl,-rpath,$gotch -Wl,-rpath,$graphs -Wl,-rpath,$libtorch/lib
		import "C"
	EOF
}

# A libtorch in LD_LIBRARY_PATH must not be used instead: an RPATH comes before it, a RUNPATH after it.
rpath=-Wl,--disable-new-dtags

codec_file() { # <package> <library>...
	echo "// Code generated by scripts/setup/setup.sh. DO NOT EDIT."
	printf '\npackage %s\n\n' "$1"
	echo "// #cgo CFLAGS: -O2"
	printf '// #cgo LDFLAGS: %s -L%s -Wl,-rpath,%s' "$rpath" "$codecs" "$codecs"
	shift
	printf ' -lhymenoptera_%s' "$@"
	printf '\nimport "C"\n'
}

write_codec_file() { # <package> <library>...
	write_file internal/$1/cgo_codecs.go codec_file "$@"
}

write_file() { # <file> <command>...: with what the command prints
	local file=$1
	shift
	"$@" >"$file.partial"
	mv "$file.partial" "$file"
}

vendor_modules() {
	local tmp=.vendor.partial libtch=github.com/sugarme/gotch/libtch
	rm -rf $tmp
	go mod vendor -o $tmp
	rm $tmp/$libtch/torch_api.cpp
	cp "$(go list -m -f '{{.GoMod}}' github.com/sugarme/gotch)" $tmp/github.com/sugarme/gotch/go.mod # for modules that import this one
	chmod u+w $tmp/github.com/sugarme/gotch/go.mod
	cgo_file libtch >$tmp/$libtch/aaa_libtorch.go
	write_file torch/cgo_libtorch.go cgo_file torch
	write_file torch/dist/cgo_libtorch.go cgo_file dist
	write_codec_file jpeg jpeg
	write_codec_file tiff tiff
	write_codec_file webp webpdemux webp
	rm -f internal/malloc/jemalloc/cgo_jemalloc.go
	jemalloc_file >$tmp/jemalloc.go
	[ ! -s $tmp/jemalloc.go ] || mv $tmp/jemalloc.go internal/malloc/jemalloc/cgo_jemalloc.go
	rm -f $tmp/jemalloc.go
	stamp >$tmp/.setup
	rm -rf vendor
	mv -T $tmp vendor
}

# Writes vendor/.arm64/env, the environment of go build and go test for another processor. That processor's cgo files are
# beside it, and an overlay makes them replace the clone's. EMULATOR runs the programs, as a Neoverse N1 (Graviton 2).
write_overlay() {
	local there=vendor/.$arch tmp=vendor/.$arch.partial gcc="-O2 -g $flags"
	rm -rf $tmp
	mkdir -p $tmp
	cgo_file libtch >$tmp/libtch.go
	cgo_file torch >$tmp/torch.go
	cgo_file dist >$tmp/dist.go
	codec_file jpeg jpeg >$tmp/jpeg.go
	codec_file tiff tiff >$tmp/tiff.go
	codec_file webp webpdemux webp >$tmp/webp.go
	jemalloc_file >$tmp/jemalloc.go
	cat >$tmp/overlay.json <<-EOF
		{"Replace": {
			"$PWD/vendor/github.com/sugarme/gotch/libtch/aaa_libtorch.go": "$PWD/$there/libtch.go",
			"$PWD/torch/cgo_libtorch.go": "$PWD/$there/torch.go",
			"$PWD/torch/dist/cgo_libtorch.go": "$PWD/$there/dist.go",
			"$PWD/internal/jpeg/cgo_codecs.go": "$PWD/$there/jpeg.go",
			"$PWD/internal/tiff/cgo_codecs.go": "$PWD/$there/tiff.go",
			"$PWD/internal/webp/cgo_codecs.go": "$PWD/$there/webp.go",
			"$PWD/internal/malloc/jemalloc/cgo_jemalloc.go": "$PWD/$there/jemalloc.go"
		}}
	EOF
	cat >$tmp/env <<-EOF
		export GOARCH=$arch CGO_ENABLED=1 CC=${cross}gcc CXX=${cross}g++ GOFLAGS='"-overlay=$PWD/$there/overlay.json"'
		export CGO_CFLAGS='$gcc' CGO_CXXFLAGS='$gcc' CGO_LDFLAGS='$gcc'
		export EMULATOR='qemu-aarch64 -cpu neoverse-n1 -L $sysroot' STRIP=${cross}strip SYSROOT='$sysroot'
	EOF
	stamp >$tmp/.setup
	rm -rf $there
	mv -T $tmp $there
}

case $libtorch$gotch in *[!A-Za-z0-9/._+~@,=:-]*)
	die "$libtorch: cgo takes no path with blanks or special characters; set LIBTORCH or XDG_CACHE_HOME to one without" ;;
esac
check_platform
install_packages
# Modules are fetched into the cache folder; those in the user's own module cache are read from there.
GOPROXY="file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)"
export GOPROXY GOMODCACHE=$cache/modules GOFLAGS='-mod=mod -modcacherw'
mkdir -p "$cache"
exec 9>"$cache/setup.lock"
flock -n 9 || { say "another set-up is running; waiting for it"; flock 9; }
[ -z "$cross" ] || fetch_sysroot
[ -n "${LIBTORCH:-}" ] || fetch_libtorch
check_version
compile_gotch
compile_graphs
fetch_codecs
if [ -n "$cross" ]; then
	write_overlay
else
	vendor_modules
fi
say "ready: libtorch $torch_version in $libtorch"
