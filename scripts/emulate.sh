#!/usr/bin/env bash
# emulate.sh COMMAND...: run a command on x86-64. The program, and programs that it starts, may be arm64's; these run in
# qemu-user, as on a Neoverse N1 (Graviton 2). The emulator is registered with the kernel (binfmt_misc) in a user
# namespace, which changes nothing outside and needs Linux 6.7. If qemu-aarch64 is registered for the whole system, that
# is used.
set -euo pipefail
. "$(dirname "$0")/../vendor/.arm64/env"
export QEMU_LD_PREFIX=${QEMU_LD_PREFIX:-$SYSROOT} QEMU_CPU=${QEMU_CPU:-neoverse-n1}
[ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || exec "$@"

# The first 20 bytes of arm64's programs, and which of their bits count (elf(5)).
magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
BINFMT=":hymenoptera:M::$magic:$mask:$(command -v qemu-aarch64-static || command -v qemu-aarch64):OCPF" \
	exec unshare --map-root-user --mount bash -c '
	mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && printf %s "$BINFMT" >/proc/sys/fs/binfmt_misc/register || {
		echo "emulate.sh: Linux $(uname -r) knows no emulator for one user, as 6.7 does. Type:  sudo apt-get install qemu-user-static" >&2
		exit 1
	}
	unset BINFMT
	exec "$@"' - "$@"
