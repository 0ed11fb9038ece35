#!/bin/sh
# Libraries that count inline: programs that are compiled with the headers of track/adapt tell what they do; those that
# are not leave counts unaccounted, and no verdict is wrong for it. With jansson and CPython as Debian has them, and with
# a library of tagged values by the recipe of track/adapt/count.h.
. "$ROOT/tests/e2e/lib.sh"
need jq cc
inline=$ROOT/tests/e2e/inline
include=$ROOT/libtrack/include
strict="-Wall -Wextra -Wshadow -Wconversion -Werror -g -O1 -I$include"

# compile NAME ARGUMENT...
compile() {
	name=$1
	shift
	"$@" >cc.out 2>&1 || {
		fail "$name does not compile"
		head -20 cc.out
	}
}
# As C and as C++, as far as there are compilers: nothing to complain about, also without libtrack.
everywhere() {
	file=$1
	shift
	for compiler in 'gcc -std=c99' gcc 'clang' 'g++ -x c++' 'clang++ -x c++'; do
		command -v "${compiler%% *}" >/dev/null 2>&1 || continue
		compile "$file with $compiler" $compiler $strict -fsyntax-only "$@" "$inline/$file"
		compile "$file with $compiler, disabled" $compiler $strict -DTRK_DISABLE -fsyntax-only "$@" "$inline/$file"
	done
}
# run NAME EXIT ARGUMENT...: NAME.trk, NAME.json; its output is in NAME.out
record() {
	name=$1
	code=$2
	shift 2
	"$REFTRACK" run -q -o "$name.trk" "$@" >"$name.out" 2>"$name.err"
	equal "$name: exit code" $? "$code"
	"$REFTRACK" leaks --json "$name.trk" >"$name.json"
	"$REFTRACK" report --color=never "$name.trk" >"$name.txt" 2>/dev/null
}
# [verdict, type, objects, where taken or born, where the release is missing, strength] of what gates
findings='[.findings[] | select(.gating) | [.verdict, .type, .objects, .open[0].function, .missing.function, .strength]]'
found() {
	equal "$1" "$(jq -c "$findings" "$1.json")" "$2"
}

# ---- Tagged values
everywhere values.c -include "$inline/adapt_value.h"
compile library cc -shared -fPIC -O1 -o libinline_value.so "$inline/value.c"
compile values cc $strict -include "$inline/adapt_value.h" -o values "$inline/values.c" -L. -linline_value -Wl,-rpath,"$work"
record values 0 --adapter "$inline/value.adapter" -- ./values
found values '[["missing-unref","value",5,"look","look","proven"]]'
equal 'values: births' "$(jq -c '[.audit.hooks[] | select(.hooked) | [.function, .calls]]' values.json)" '[["value_delete",45],["value_text",50]]'
has 'values: its own output' values.out '^10$'
# Not told: the same objects, by what their counts say.
compile plain cc -g -O1 -I"$inline" -include "$inline/value.h" -o plain "$inline/values.c" -L. -linline_value -Wl,-rpath,"$work"
record plain 0 --adapter "$inline/value.adapter" -- ./plain
equal 'plain: objects' "$(jq -c '[.findings[] | select(.gating) | [.verdict, .type, .objects]]' plain.json)" \
	'[["missing-unref","value",5]]'

# ---- jansson
if [ -f /usr/include/jansson.h ]; then
	everywhere documents.c -include track/adapt/jansson.h
	compile documents cc $strict -include track/adapt/jansson.h -o documents "$inline/documents.c" -ljansson
	compile untold cc -g -O1 -o untold "$inline/documents.c" -ljansson
	for program in documents untold; do
		record $program-clean 3 -- ./$program clean
		found $program-clean '[]'
		equal "$program: certain" "$(jq .audit.certain $program-clean.json)" true
		has "$program: its own output" $program-clean.out '^126$'
		equal "$program: births and deaths" \
			"$(jq -c '[.audit.hooks[] | select(.hooked and .calls > 0 and (.function | test("^json_(object|array|string|integer|delete)$"))) | .calls] | sort' $program-clean.json)" \
			'[21,21,21,63,126]'
	done
	record leak 3 -- ./documents leak
	found leak '[["missing-unref","json_object",3,"check_request","check_request","probable"]]'
	record element 3 -- ./documents element
	found element '[["missing-unref","json_string",21,"measure",null,"proven"]]'
	record twice 3 -- ./documents twice
	found twice '[["over-released","json_integer",1,"serve",null,"proven"]]'
	# What nobody tells is unaccounted: counts in memory say that 21 references are missing, and are right.
	record untold-leak 3 -- ./untold leak
	found untold-leak '[["missing-unref","json_object",3,"make_request",null,"probable"]]'
	record untold-element 3 -- ./untold element
	found untold-element '[["missing-unref","json_string",21,null,null,"proven"]]'
	equal 'untold: unaccounted' "$(jq -c '.audit.references_in_memory | [.counts_read, .counts_higher, .counts_lower, .counts_inline]' untold-element.json)" \
		'[21,0,0,21]'
	has 'untold: in words' untold-element.txt 'counts hold \(21 seen\), 21 unaccounted: changed in place, where nobody tells'
else
	echo 'jansson: left out, libjansson-dev is not installed'
fi

# ---- CPython
python=$(command -v /usr/bin/python3)
headers=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])' 2>/dev/null)
if [ -f "$headers/Python.h" ]; then
	strict="-Wall -Wextra -Werror -g -O1 -I$include"
	everywhere extension.c -isystem "$headers"
	compile extension cc $strict -isystem "$headers" -shared -fPIC -o extension.so "$inline/extension.c"
	for what in healthy remember parse; do
		record $what 0 --adapter cpython -- "$python" "$inline/extension.py" "$work" $what
		has "$what: its own output" $what.out '^done$'
		equal "$what: certain" "$(jq .audit.certain $what.json)" true
	done
	found healthy '[]'
	found remember '[["missing-unref","list",40,"remember",null,"probable"]]'
	found parse '[["missing-unref","dict",10,"parse","parse","proven"]]'
	"$REFTRACK" coverage --module extension.so --json parse.trk >told.json
	equal 'the module speaks for itself' "$(jq -c '[.modules[] | select(.module == "extension.so" and .type == "dict") | [.born, .taken, .given]]' told.json)" \
		'[[50,90,79]]'
else
	echo 'CPython: left out, libpython3-dev is not installed'
fi
finish
