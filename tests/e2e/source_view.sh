#!/bin/sh
# The viewer's source screen and the editor: sums of lines, of sites and of whole stacks; inlined code; files that are
# missing, newer, too large or no text, or not where the program was built; what an editor is given.
. "$ROOT/tests/e2e/lib.sh"
need cc

cat >serve.c <<'C'
#include <stdlib.h>
#include <track/track.h>
struct conn { int refs; char bytes[60]; };
static TRK_TYPE_COUNTED(conn_type, struct conn, refs);
static void *volatile sink;
static struct conn *conn_new(void) /* line 6 */
{
	struct conn *c = calloc(1, sizeof *c);
	c->refs = 1;
	trk_new(c, &conn_type); /* line 10 */
	return c;
}
static void hold(struct conn *c)
{
	c->refs++;
	trk_ref(c, NULL); /* line 16 */
}
static void give(struct conn *c)
{
	trk_unref(c, NULL); /* line 20 */
	c->refs--;
}
static void serve(void)
{
	struct conn *c = conn_new(); /* line 25 */
	hold(c);
	hold(c);
	give(c);
	sink = c;
}
int main(void)
{
	for (int i = 0; i < 3; i++)
		serve(); /* line 34 */
	return 0;
}
C
cc -g -O0 -I"$ROOT/libtrack/include" -o serve serve.c || fail 'does not compile'
"$REFTRACK" run -q --no-summary -o serve.trk -- ./serve >/dev/null 2>&1
# view NAME [OPTION...]: runs NAME.keys
view() {
	name=$1
	shift
	"$REFTRACK" tui --script "$name.keys" "$@" serve.trk >"$name.out" 2>&1 || fail "$name: $(tail -1 "$name.out")"
}

# ---- The lines of sites, and of all frames ----
cat >lines.keys <<'K'
key 6 /
type conn_new
key Enter S
show
key j j Enter
show
key Esc t G
show
K
for options in '--size 80x24 --ascii' '--size 60x16' '--size 120x40'; do
	# shellcheck disable=SC2086 # several options
	view lines $options
	has "$options: where the block is from" lines.out ' 192 B .* 8i? +struct conn .c = calloc'
	has "$options: the file" lines.out "^ .*serve\.c *\$"
	has "$options: it says what is summed" lines.out 'live bytes   sites alone'
	has "$options: and what then" lines.out 'live bytes   all frames'
	has "$options: all of it goes through main" lines.out ' 192 B .* 34  +serve'
done
view lines --size 120x40
has 'objects: at the birth' lines.out ' 3 +10  +trk_new'
has 'references taken, and open' lines.out '~3 +6 +16  +trk_ref'
has 'references given' lines.out ' 3 +20  +trk_unref'
has 'the objects that were born there' lines.out 'struct conn#1'
LC_ALL=C.UTF-8 view lines --size 80x24 --ascii
grep -q '[^ -~]' lines.out && fail 'ASCII only'

# ---- From line to line, and to a text ----
cat >move.keys <<'K'
key 6 / 
type main
key Enter S g J
show
key J J
show
key K >
key > l
show
key /
type struct
key Enter n
show
key N
show
K
view move
equal 'the cursor goes' "$(grep '^>' move.out | cut -c40-45 | xargs)" '8 16 10 18 13'

# ---- The stack: each frame has its line ----
cat >stack.keys <<'K'
key 6 /
type conn_new
key Enter v j Enter
show
key Esc S
show
K
view stack
has 'Enter opens the caller' stack.out '^> .* 25  '

# ---- What an editor is given, without a terminal ----
cat >editor.keys <<'K'
key 6 /
type hold
key Enter E
show
K
VISUAL='my-editor --wait' EDITOR=other view editor
has 'VISUAL first' editor.out 'there is no terminal for my-editor, line 16 of .*/serve\.c'
VISUAL='' EDITOR='' view editor
has 'no editor' editor.out 'no editor is set: VISUAL=vi'

# ---- Files that are not as they were ----
cat >source.keys <<'K'
key 6 /
type conn_new
key Enter S
show
key E
show
K
touch -d '+1 hour' serve.c
view source
has 'newer: told' source.out 'was written after the program was built'
has 'newer: and shown' source.out 'c = calloc'
mv serve.c elsewhere.c
view source
has 'missing: told' source.out 'is not here, or cannot be read'
has 'missing: lines have their numbers' source.out ' 192 B .* 8i? +.no text'
VISUAL=vi view source
has 'missing: no editor is asked' source.out '^ serve\.c is not here'
mkdir serve.c
view source
has 'a folder: told' source.out 'is not here, or cannot be read'
rmdir serve.c
mkfifo serve.c
view source
has 'a pipe: nobody waits for it' source.out 'is not here, or cannot be read'
rm serve.c
head -c 17000000 /dev/zero | tr '\0' '\n' >serve.c
view source
has 'too large: told' source.out 'has more than 16 MiB'
printf 'one\0two\n' >serve.c
view source
has 'no text: told' source.out 'is no text'
printf 'a\n\033[31mb\n\tc\rd\n\xff\xfe\n5\n6\n7\neight\xe2\x80\xae\n' >serve.c
touch -d '-1 hour' serve.c
view source --size 80x24
has 'control characters are told' source.out 'x1b\[31mb'
grep -q "$(printf '\033')" source.out && fail 'an escape character came through'
has 'the line that was meant' source.out ' 8i? +eight'

# ---- Elsewhere: below --symfs ----
rm serve.c
mkdir -p "root$work"
cp serve "root$work/serve"
cp elsewhere.c "root$work/serve.c"
touch -d '-1 hour' "root$work/serve.c"
view source --symfs "$work/root"
has 'symfs: found there' source.out 'c = calloc'
finish
