#!/usr/bin/env bash
# Changes the path of this module, for a copy that is published: in go.mod, in every import, and in examples/.
#
#   scripts/module_path.sh github.com/you/hymenoptera      (make module-path MODULE=...)
set -euo pipefail
cd "$(dirname "$0")/.."
new=${1:-}
[[ $new =~ ^[A-Za-z0-9._~/-]+$ && $new != /* && $new != */ ]] ||
	{ echo "module-path: \"$new\" is not a module path: want one as github.com/you/hymenoptera" >&2; exit 2; }
old=$(go list -m)
[ "$new" != "$old" ] || { echo "module-path: the path is $old already"; exit; }

find . -path ./vendor -prune -o -name '*.go' -print0 | xargs -0 sed -i "s#\([\"[]\)$old/#\1$new/#g"
go mod edit -module "$new"
[ ! -e examples/go.mod ] ||
	(cd examples && go mod edit -droprequire "$old" -dropreplace "$old" -require "$new@v0.0.0" -replace "$new=..")
gofmt -w $(find . -maxdepth 1 -mindepth 1 -type d ! -name vendor ! -name '.*')
echo "module-path: $old is now $new; next: make setup"
