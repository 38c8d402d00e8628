#!/bin/sh
# parity_matrix.sh <python> <data> <weights>: eight trainings of two epochs that together cover every pair of
# fine-tuned/frozen, 1/2 threads, 0/1/2/4 workers, three seeds and odd batch sizes. Stops at the first one that
# differs.
set -eu
python=$1 data=$2 weights=$3
while read -r freeze threads workers seed batch; do
	[ "$freeze" = frozen ] && freeze=--freeze || freeze=
	"$python" "$(dirname "$0")/parity.py" --data "$data" --weights "$weights" --epochs 2 \
		$freeze --threads "$threads" --workers "$workers" --seed "$seed" --batch-size "$batch" </dev/null
done <<-END
	frozen    1 0  0 32
	finetuned 2 0 42 17
	frozen    2 1 42 32
	finetuned 1 1  1 17
	frozen    1 2  1 31
	finetuned 2 2  0 32
	frozen    2 4  0 17
	finetuned 1 4 42 31
END
