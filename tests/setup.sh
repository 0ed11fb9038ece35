#!/bin/sh
# Installs the Debian packages of PACKAGES that are missing, for the purposes named: tests/setup.sh build test ...
# As root it just does; otherwise it shows the command and asks before it uses sudo. Without apt it names what is missing.
set -eu
cd "$(dirname "$0")/.."

missing=
for purpose in "$@"; do
	for name in $(awk -v p="$purpose" '$1 !~ /^#/ && $2 == p { print $1 }' PACKAGES); do
		case "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null || true)" in
		installed) ;;
		*) missing="$missing $name" ;;
		esac
	done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "setup: no apt-get here; install what these Debian packages hold, then try again:$missing" >&2
	exit 0
fi
run=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "setup: missing packages:$missing" >&2
		echo "setup: become root and run: apt-get install$missing" >&2
		exit 1
	fi
	echo "These Debian packages are missing:$missing"
	printf 'Install them with sudo apt-get install? [y/N] '
	read -r answer || answer=n
	case "$answer" in
	y | Y | yes) run=sudo ;;
	*)
		echo "setup: nothing installed; run: sudo apt-get install$missing" >&2
		exit 1
		;;
	esac
fi
echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$run apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
	$run apt-get update -qq
	$run apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
