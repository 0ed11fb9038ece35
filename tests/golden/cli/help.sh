reftrack help
reftrack help leaks
reftrack help format
reftrack types --help
reftrack help chekc
reftrack --version
