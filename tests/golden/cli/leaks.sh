reftrack leaks leaky.trk
echo "--- one line each, for scripts"
reftrack leaks --plain leaky.trk
reftrack leaks --plain --all cycle.trk | cut -f 1-8
reftrack report --plain --top 1 leaky.trk | wc -l
echo '--- without siblings'
reftrack leaks --siblings=never leaky.trk | grep -E 'taken|siblings|parted'
reftrack leaks --siblings=sometimes leaky.trk
