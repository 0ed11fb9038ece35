"""Run by gdb: compares its backtrace with the stack that oracle_stop(pcs, n) got, at each call of it."""
import gdb

for setting in ("pagination off", "confirm off", "breakpoint pending on", "backtrace past-main on",
                "backtrace past-entry on", "print thread-events off", "debuginfod enabled off"):
    gdb.execute("set " + setting)
gdb.execute("set print inferior-events off")

compared = different = 0


def word(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


class Stop(gdb.Breakpoint):
    def stop(self):
        global compared, different
        frame = gdb.selected_frame()
        base, count = int(frame.read_register("rdi")), int(frame.read_register("rsi"))
        ours = [word(base + 8 * i) for i in range(count)]
        theirs, signal = [], False
        while frame is not None and frame.is_valid():
            if frame.type() in (gdb.NORMAL_FRAME, gdb.SIGTRAMP_FRAME):
                # An interrupted instruction is stored + 1.
                theirs.append(frame.pc() + (1 if signal else 0))
                signal = frame.type() == gdb.SIGTRAMP_FRAME
            frame = frame.older()
        if ours[0] in theirs:
            theirs = theirs[theirs.index(ours[0]):]
        compared += 1
        if theirs and theirs[-1] == 0:
            theirs.pop()
        if ours != theirs[:len(ours)] or len(theirs) != len(ours):
            different += 1
            if different <= 3:
                print("gdb: ours   ", [hex(p) for p in ours])
                print("gdb: theirs ", [hex(p) for p in theirs])
        return False


Stop("oracle_stop")
gdb.execute("run")
print("gdb: %d stacks compared, %d different" % (compared, different))
gdb.execute("quit %d" % (0 if compared >= 20 and different == 0 else 1))
