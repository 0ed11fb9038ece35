"""extension.py: uses the module extension. Usage: python3 extension.py FOLDER remember|parse|healthy"""
import sys

sys.path.insert(0, sys.argv[1])
import extension


class Item:
    pass


for i in range(40):
    extension.healthy("argument", i)
    holder = extension.Holder(Item())
    extension.parse("short")
    if sys.argv[2] == "remember":
        extension.remember(Item())
    if sys.argv[2] == "parse" and i % 4 == 0:
        try:
            extension.parse("much too long %d" % i)
        except ValueError:
            pass
print("done")
