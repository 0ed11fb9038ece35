"""All benchmarks, or those named. Usage: bench.py BUILD ROUNDS [micro] [whole] [leaks] [graph] [pairing] [hooks] [viewer]"""
import os, platform, runpy, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common

print(f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}; {common.rounds} rounds, medians; "
      f"load {os.getloadavg()[0]:.1f}")
try:
    for part in sys.argv[3:] or ["micro", "whole", "leaks", "graph", "pairing", "hooks", "viewer"]:
        runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), part + ".py"), run_name=part)
finally:
    common.done()
