reftrack dump --top 6 leaky.trk
reftrack dump -e touch,mark leaky.trk
reftrack dump -a 0x5555557c0000 --stacks --plain leaky.trk
reftrack dump -e refs leaky.trk
