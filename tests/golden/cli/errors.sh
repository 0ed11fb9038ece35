try() {
	echo "\$ reftrack $*"
	reftrack "$@" </dev/null
	echo "status $?"
}
try
try reprot leaky.trk
try report missing.trk
try report empty.trk
try report header.trk
try report .
try report /dev/null
try report --no-such leaky.trk
try leaks --supressions x leaky.trk
try types --where 'nosuchkey > 3' leaky.trk
try types --sort size,nosuch leaky.trk
try report leaky.trk cycle.trk
try report --format csv leaky.trk
try check --baseline missing.json leaky.trk
echo '{ broken' >bad.supp
try leaks --suppressions bad.supp leaky.trk
try report --pid 999999999
try show leaky.trk 'struct cnn#8'
try refs leaky.trk 'struct cnn'
try show leaky.trk 'xyzzy#8'
mkdir nothing && cd nothing
try report
