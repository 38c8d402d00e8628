#!/bin/sh
# gotch_names.sh <gotch module dir>: the list that compat.h includes as gotch_names.inc.
#
# It names every libtorch function and method that gotch's generated C++ calls. It depends on
# gotch's source alone, never on the libtorch that is installed.
set -eu
src=$1/libtch/torch_api_generated.cpp.h

names() { # <prefix> <macro>
	echo "#ifdef $2"
	grep -oE "$1[A-Za-z_0-9]+\(" "$src" | sed "s/^$1//; s/($//" | grep -vxE 'Tensor|IntArrayRef' |
		LC_ALL=C sort -u | sed "s/.*/$2(&)/"
	echo "#endif"
}
names 'torch::' GOTCH_COMPAT_FN
names 'self->' GOTCH_COMPAT_METHOD
