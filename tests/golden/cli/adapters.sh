export XDG_CONFIG_HOME=$PWD
try() {
	echo "\$ reftrack $*"
	reftrack "$@" </dev/null
	echo "status $?"
}
cat >whole.adapter <<'END'
adapter whole                         # every kind of line
library libwhole.so.1 libwhole.so
library program
inside hidden

type struct node
  count +4 int32 immortal negative
  name  string *(*(obj+8)+16)
  new   node_new_*  ret  floating
  new   node_make   *arg2
  sink  node_take   arg1  when *(arg1+16):u32 & 2 = 2
  ref   node_take   arg1  when *(arg1+16):u32 & 2 != 2
  ref   set_node    arg2  slot arg1+8
  unref clear_node  *arg1 slot arg1
  move  list_push   arg2  to holder arg1
  move  list_pop    ret   from holder arg1
  weak  node_watch  arg1  slot arg2
  unweak node_unwatch arg1 slot arg2
type value
  count -16 uint64 unit 2 immortal & 0xf0 = 0x10
  name  call value_kind obj
  unref value_free  arg2  when arg1:u32 & 0x80 != 0  late
  free  value_end   ret2
  park  pool_put    arg2
  reuse pool_get    *arg2
  stays value_key  ret
END
try adapters ./whole.adapter
cat >bad.adapter <<'END'
adapter bad adapter
library /usr/lib/libbad.so
ref bad_ref arg1
type bad
  count four int32
  count +4 int
  count +4 int32 immortal
  name  text *obj
  name  string arg1
  refs  bad_ref arg1
  ref   bad_ref
  ref   bad_ref() arg1
  ref   bad_ref arg7
  ref   bad_ref ****arg1
  ref   bad_ref arg1 when arg2 < 3
  ref   bad_ref arg1 when arg2 & 1 = 2
  ref   bad_ref arg1 slot
  ref   bad_ref arg1
  ref   bad_ref arg1
  weak  bad_watch arg1
  move  bad_move arg1
END
try adapters ./bad.adapter
printf 'adapter none\nlibrary libnone.so\n' >none.adapter
try adapters ./none.adapter
try adapters ./missing.adapter
try adapters xyzzy --no-such
try adapters ./whole.adapter /dev/null
try adapters --format csv
printf 'adapter one\nlibrary l.so\ntype t\ncount 0 int32\nref f *arg1 slot arg1\n' >one.adapter
try adapters --json ./one.adapter
try run --adapter ./bad.adapter -- true
