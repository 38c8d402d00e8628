#!/bin/bash
# Trains with two processes on two hosts made of network namespaces, with delayed and lost packets, and compares the
# weights with those of two processes on one host. Needs root; without it, it says so and does nothing.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] && [ -w /dev/net/tun ] && ip netns add hymenoptera-probe 2>/dev/null ||
	{ echo "skipped: this needs root, network namespaces and /dev/net/tun"; exit 0; }
ip netns del hymenoptera-probe
tmp=$(mktemp -d)
clean() {
	[ -z "${cable:-}" ] || kill -9 "$cable" 2>/dev/null || true
	for host in a b; do
		ip netns pids "hym-$host" 2>/dev/null | xargs -r kill -9
		ip netns del "hym-$host" 2>/dev/null || true
	done
	rm -rf "$tmp"
}
trap clean EXIT
ip netns add hym-a
ip netns add hym-b

connect() { # <seconds of delay> <share of packets lost>
	[ -z "${cable:-}" ] || { kill "$cable"; wait "$cable" 2>/dev/null || true; }
	python3 scripts/cable.py hym-a hym-b "$@" &
	cable=$!
	until ip -n hym-b addr show hymeth 2>/dev/null | grep -q 10.77; do sleep 0.05; done
}

options="--data cmd/hymenoptera/testdata/insects --weights none --image-size 32 --batch-size 4 --epochs ${EPOCHS:-2} --threads 1 --workers 2 --peer-timeout 30s"
on() { # <host> <rank> <arguments>...
	local host=$1 rank=$2
	shift 2
	ip netns exec "hym-$host" env RANK="$rank" WORLD_SIZE=2 LOCAL_RANK=0 MASTER_ADDR=10.77.0.1 MASTER_PORT=29500 \
		GLOO_SOCKET_IFNAME=hymeth OMP_NUM_THREADS=1 bin/hymenoptera train $options "$@"
}
hash_of() { sed -n 's/.*"final_sha256": "\([0-9a-f]*\)".*/\1/p' "$1/result.json"; }

bin/hymenoptera launch --nproc 2 train $options --out "$tmp/one" >"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }
want=$(hash_of "$tmp/one")

train_there() { # <name>
	local begin=$SECONDS
	on b 1 --out "$tmp/nothing" >"$tmp/log.b" 2>&1 &
	local other=$!
	on a 0 --out "$tmp/$1" >"$tmp/log.a" 2>&1 || { cat "$tmp"/log.?; exit 1; }
	wait $other || { cat "$tmp"/log.?; exit 1; }
	[ "$(hash_of "$tmp/$1")" = "$want" ] || { echo "$1: other weights than on one host"; exit 1; }
	echo "$1: weights equal to those on one host, ${want:0:16}…, in $((SECONDS - begin)) s"
}

connect 0 0
train_there "two hosts"
connect 0.01 0
train_there "10 ms late"
connect 0.002 0.001
train_there "2 ms late, one packet in 1,000 lost"

# Cut the cable: each side must name the other one when its time to wait is over.
connect 0 0
on b 1 --out "$tmp/nothing" --epochs 1000 >"$tmp/log.b" 2>&1 &
first=$!
on a 0 --out "$tmp/cut" --epochs 1000 >"$tmp/log.a" 2>&1 &
second=$!
for _ in $(seq 100); do
	grep -qs "^train Loss" "$tmp/log.a" && break
	sleep 0.5
done
kill -STOP "$cable"
begin=$SECONDS
wait $first $second || true
tail -qn 1 "$tmp/log.a" "$tmp/log.b"
grep -q "rank 0: dist: rank 1 " "$tmp/log.a" && grep -q "rank 1: dist: rank 0 " "$tmp/log.b" || { echo "a host that is gone was not named"; exit 1; }
echo "cut off: both ended after $((SECONDS - begin)) s"
