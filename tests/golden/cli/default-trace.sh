mkdir folder
cp leaky.trk folder/old.trk
cp healthy.trk folder/new.trk
touch -d 2020-01-01 folder/old.trk
cd folder
reftrack check
reftrack check -q && echo clean
