#!/bin/sh
# The manual page of the viewer: that of its command, with the sections that the viewer itself knows behind the
# description.   tui.sh REFTRACK REFTRACK_TUI
set -eu
page=$("$1" help --man tui)
echo "$page" | sed '/^\.Sh EXAMPLES/,$d'
"$2" --man
echo "$page" | sed -n '/^\.Sh EXAMPLES/,$p'
