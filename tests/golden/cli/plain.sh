reftrack leaks plain.trk
echo "--- all"
reftrack leaks --all --top 3 plain.trk | sed -n '1,3p;/held by/p;/why/p'
echo "--- lsan"
reftrack leaks --style=lsan plain.trk
echo "--- report"
reftrack report plain.trk
echo "--- roots"
reftrack leaks --without-roots globals,stacks --plain plain.trk | cut -f 2-7
reftrack leaks --without-roots global plain.trk
echo "--- blocks"
reftrack blocks --sort addr plain.trk
reftrack blocks --where 'class=lost' plain.trk
echo "--- memory was not read"
reftrack leaks unread.trk
reftrack leaks --all unread.trk | grep proof
reftrack report unread.trk | grep memory
reftrack leaks --json unread.trk | grep memory_
echo "--- json"
reftrack leaks --json --all plain.trk | tr -d ' \n' | grep -o '"root_path":\[[^]]*\],"root":"[a-z]*"\|"checkpoint":{.*"memory_refused":[a-z]*'
reftrack check plain.trk
