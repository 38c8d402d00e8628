#!/usr/bin/env bash
# test_arm64.sh [PACKAGE...]: run the tests of all packages, or of some, as arm64 programs in an emulator (make test-arm64).
# After each package it names the tests that were skipped, with the reason: their own, or that of the list below. The emulator
# takes some 50 times as long as the machine: hours for all packages. The list has the slowest tests, and those that
# depend on a clock.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(uname -m)" = x86_64 ] || { echo "test_arm64.sh: this is $(uname -m), not x86-64: type make test" >&2; exit 1; }

# Tests that are left out: package, pattern, reason.
left_out=$(cat <<'TEXT'
./finetune ^TestFailingWrites$ a training for each write that fails, dozens
./finetune ^ExampleTrain trainings on some hundred drawn pictures
./finetune ^TestResume$/^(average|sampling|head_first|fast|nothing_right|balanced|patience|views|probe)$ the same as notebook and frozen, which run, with one option more
./serve ^TestRequestsShareBatches$ its 32 requests take longer than the 30 seconds that a server gives them
./cmd/hymenoptera ^TestTrainings$ trainings of the built program, dozens; many are stopped at moments that suit the machine
./cmd/hymenoptera ^TestMistakes$/100,000_files writes and lists 100,000 files
./cmd/hymenoptera ^TestFastIsCloseToExact$ trainings of three networks, with and without --fast; the test of this name in classify runs
./cmd/hymenoptera ^TestOpen$ two trainings of 3 epochs of every layer
./cmd/hymenoptera ^TestPack$ three trainings and nine evaluations; the tests of shards and dataset run
./cmd/hymenoptera ^TestEval(KnowsTheTrainingsFolder|IsWhatTrainingLogged)$ a dozen trainings
TEXT
)

export OMP_NUM_THREADS=1 # with threads that wait for each other the emulator takes many times as long
. vendor/.arm64/env
[ $# != 0 ] || {
	scripts/fused.sh ./...
	set -- $(go list -f '{{if or .TestGoFiles .XTestGoFiles}}.{{slice .ImportPath (len .Module.Path)}}{{end}}' ./...)
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=
for package; do
	pattern=$(echo "$left_out" | awk -v p="$package" '$1 == p { print $2 }' | paste -sd '|')
	start=$SECONDS
	scripts/emulate.sh go test -count 1 -p 1 -timeout 5h -short -v -skip "${pattern:-^$}" "$package" >"$log" 2>&1 && result=ok || result=FAIL failed=1
	echo "$result $package: $(grep -c '^--- PASS' "$log" || true) passed in $((SECONDS - start)) s"
	awk '/^=== (RUN|CONT|NAME)/{ name = $3 } /^ +[a-z0-9_]+\.go:[0-9]+: /{ sub(/^ +[^ ]+ /, ""); reason[name] = $0 }
		/^ *--- SKIP/{ print "  skipped " $3 ": " ($3 ~ /\/seed#/ ? "an input that the fuzz target does not take" : reason[$3]) }' "$log"
	echo "$left_out" | awk -v p="$package" '$1 == p { name = $2; $1 = $2 = ""; print "  left out " name ":" $0 }' | sed 's/:  /: /'
	[ $result = ok ] || cat "$log"
done
[ ! "$failed" ]
