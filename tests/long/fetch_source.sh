#!/bin/sh
# Fetches the source of a Debian package into DIR with a private apt configuration: the user's system, its lists and its caches
# stay as they are. Usage: fetch_source.sh DIR PACKAGE. Exit 77 when sources cannot be had (no network, no Debian).
set -eu
dir=$1
package=$2
command -v apt-get >/dev/null 2>&1 || exit 77
mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/state" "$dir/parts"
: >"$dir/state/status"

# The system's own sources, as source packages.
for file in /etc/apt/sources.list.d/*.sources; do
	[ -f "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" >"$dir/parts/$(basename "$file")"
done
: >"$dir/src.list"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ -f "$file" ] && sed -n 's/^deb /deb-src /p' "$file" >>"$dir/src.list"
done

set -- -o Dir::Etc::sourcelist="$dir/src.list" -o Dir::Etc::sourceparts="$dir/parts" -o Dir::State="$dir/state" \
	-o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root
apt-get "$@" update -qq >/dev/null 2>&1 || exit 77
cd "$dir"
# An update that a mirror no longer has leaves the package as it was released.
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null)
for name in "$package" "$package/$release"; do
	apt-get "$@" source -qq --download-only "$name" >/dev/null 2>&1 && exit 0
done
exit 77
