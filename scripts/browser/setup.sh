# Sourced by the scripts beside it, with their name in $script: finds Chromium and npm, and installs what drives the browser.
export BROWSER_MODULES=${XDG_CACHE_HOME:-$HOME/.cache}/hymenoptera/browser
die() { echo "$script: $*" >&2; exit 1; }

for name in chromium chromium-browser google-chrome; do
	[ -n "${CHROMIUM:-}" ] || CHROMIUM=$(command -v $name || true)
done
[ -n "$CHROMIUM" ] || die "no Chromium here. On Debian type:  sudo apt-get install chromium"
export CHROMIUM
command -v npm >/dev/null || die "no npm here. On Debian type:  sudo apt-get install npm"
mkdir -p "$BROWSER_MODULES"
cp scripts/browser/package.json scripts/browser/package-lock.json "$BROWSER_MODULES/"
(cd "$BROWSER_MODULES" && npm ci --silent --no-audit --no-fund)
