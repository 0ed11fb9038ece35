# Shared by the end-to-end tests in a real terminal (tmux); sourced behind lib.sh. What the viewer reads and writes of its
# own is in the folder of the test. Screens are waited for by their text, never by time.
command -v tmux >/dev/null || { echo "tmux is not installed"; exit 77; }
round=0
tm="tmux -L reftrack$$.0 -u" # each terminal has a server of its own: one that is ending takes no session
trap '$tm kill-server 2>/dev/null; pkill -f "$work/watched" 2>/dev/null; rm -rf "$work"' EXIT
unset TMUX
XDG_CONFIG_HOME=$work/config
XDG_STATE_HOME=$work/state
export XDG_CONFIG_HOME XDG_STATE_HOME

screen() { $tm capture-pane -p "$@" 2>/dev/null; }
# until_seen NAME PATTERN: a text is on the screen within a minute
until_seen() {
	checks=$((checks + 1))
	tries=0
	until screen | grep -qE -- "$2"; do
		tries=$((tries + 1))
		[ "$tries" -lt 600 ] || {
			fail "$1: '$2' is not on the screen:"
			screen
			return
		}
		sleep 0.1
	done
}
# begin COLUMNS ROWS COMMAND: in a shell that stays
begin() {
	$tm kill-server 2>/dev/null
	round=$((round + 1))
	tm="tmux -L reftrack$$.$round -u"
	$tm -f /dev/null new-session -d -x "$1" -y "$2" "env PS1='ready> ' sh" 2>/dev/null
	until_seen "a shell" 'ready>'
	$tm send-keys " $3" Enter
}
keys() { $tm send-keys "$@"; }

# A program that makes an object every 2 ms, for ever: $work/watched.
watched_program() {
	cat >watched.c <<'C'
#include <stdlib.h>
#include <unistd.h>
#include <track/track.h>
struct conn { int refs; char bytes[60]; };
static TRK_TYPE_COUNTED(conn_type, struct conn, refs);
int main(void)
{
    for (;;) {
        struct conn *c = calloc(1, sizeof *c);
        trk_new(c, &conn_type);
        usleep(2000);
    }
}
C
	cc -I"$ROOT/libtrack/include" -o watched watched.c || fail 'the program compiles'
}
