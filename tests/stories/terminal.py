"""terminal.py: the viewer in a real terminal (tmux), what its screen shows, and that as a picture.

A picture is what `tmux capture-pane -e` says: text with colours as the terminal would draw them, one <text> for each piece of one look."""
import html
import os
import re
import subprocess
import time

# The sixteen colours of a dark terminal, and what "default" is.
PALETTE = ["#1d1f21", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c5c8c6",
           "#666a70", "#ff7b86", "#b5e890", "#ffd787", "#7fc1ff", "#dd94f5", "#70d5e0", "#ffffff"]
FORE, BACK, DIM = "#d4d7d9", "#16181a", "#8b9095"
CELL_W, CELL_H, BASE = 8.4, 18, 13


class Terminal:
    """One tmux server with one window."""

    def __init__(self, name, width, height, command, env):
        self.server = ["tmux", "-L", name, "-u"]
        env = dict(env, TERM="xterm-256color")
        env.pop("TMUX", None)
        self.env = env
        subprocess.run(self.server + ["-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), command],
                       env=env, check=True)
        subprocess.run(self.server + ["set", "-g", "default-terminal", "tmux-256color"], env=env, check=False)

    def text(self, colours=False):
        done = subprocess.run(self.server + ["capture-pane", "-p"] + (["-e"] if colours else []), env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return done.stdout

    def press(self, *keys):
        subprocess.run(self.server + ["send-keys"] + list(keys), env=self.env, check=True)

    def type(self, text):
        subprocess.run(self.server + ["send-keys", "-l", text], env=self.env, check=True)

    def until(self, good, seconds=60):
        """Waits until good(screen); returns the screen, or None."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            screen = self.text()
            if good(screen):
                return screen
            time.sleep(0.1)
        return None

    def close(self):
        subprocess.run(self.server + ["kill-server"], env=self.env, stderr=subprocess.DEVNULL, check=False)


def cells(line):
    """Pieces of a line with escape sequences: (text, foreground, background, bold, underlined)."""
    look = {"fore": None, "back": None, "bold": False, "dim": False, "under": False, "reverse": False}
    for part in re.split("(\x1b\\[[0-9;]*m)", line):
        sequence = re.fullmatch("\x1b\\[([0-9;]*)m", part)
        if sequence is None:
            if part:
                fore, back = look["fore"] or (DIM if look["dim"] else FORE), look["back"]
                if look["reverse"]:
                    fore, back = back or BACK, fore
                yield part, fore, back, look["bold"], look["under"]
            continue
        codes = [int(code or 0) for code in sequence.group(1).split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                look.update(fore=None, back=None, bold=False, dim=False, under=False, reverse=False)
            elif code in (1, 2, 4, 7):
                look[{1: "bold", 2: "dim", 4: "under", 7: "reverse"}[code]] = True
            elif code == 22:
                look.update(bold=False, dim=False)
            elif code in (24, 27):
                look[{24: "under", 27: "reverse"}[code]] = False
            elif 30 <= code <= 37 or 40 <= code <= 47:
                look["fore" if code < 40 else "back"] = PALETTE[code % 10]
            elif 90 <= code <= 97 or 100 <= code <= 107:
                look["fore" if code < 100 else "back"] = PALETTE[8 + code % 10]
            elif code in (39, 49):
                look["fore" if code == 39 else "back"] = None
            elif code in (38, 48) and codes[:1] == [5]:
                look["fore" if code == 38 else "back"] = colour_256(codes[1])
                codes = codes[2:]


def colour_256(n):
    if n < 16:
        return PALETTE[n]
    if n >= 232:
        return "#%02x%02x%02x" % ((8 + 10 * (n - 232),) * 3)
    steps = [0, 95, 135, 175, 215, 255]
    n -= 16
    return "#%02x%02x%02x" % (steps[n // 36], steps[n // 6 % 6], steps[n % 6])


def drawn(ch):
    """Braille dots and parts of blocks, which fonts place as they like."""
    return 0x2800 <= ord(ch) <= 0x28ff or 0x2588 <= ord(ch) <= 0x258f


def shape(ch, left, top, fore):
    box = '<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="' + fore + '"/>'
    code = ord(ch)
    if 0x2588 <= code <= 0x258f:  # so many eighths of the cell, from the left
        return [box % (left, top + 2, CELL_W * (0x2590 - code) / 8, CELL_H - 4)]
    if not 0x2800 <= code <= 0x28ff:
        return []
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
    return [box % (left + dx * CELL_W / 2 + 0.6, top + dy * CELL_H / 4 + 0.8, CELL_W / 2 - 1.2, CELL_H / 4 - 1.6)
            for bit, (dx, dy) in enumerate(places) if code >> bit & 1]


def picture(screen, width, height):
    """The screen (with escape sequences) as SVG."""
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" font-family="monospace" font-size="14" '
           'xml:space="preserve">' % (width * CELL_W + 16, height * CELL_H + 16),
           '<rect width="100%%" height="100%%" rx="6" fill="%s"/>' % BACK]
    for y, line in enumerate(screen.split("\n")[:height]):
        x = 0
        for text, fore, back, bold, under in cells(line):
            left, top = 8 + x * CELL_W, 8 + y * CELL_H
            if back is not None:
                out.append('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>' %
                           (left, top, len(text) * CELL_W, CELL_H, back))
            for i, ch in enumerate(text):
                out += shape(ch, 8 + (x + i) * CELL_W, top, fore)
            text = "".join(" " if drawn(ch) else ch for ch in text)
            for piece in re.finditer(r"\S+( \S+)*", text):
                indent, shown = piece.start(), piece.group()
                out.append('<text x="%.1f" y="%d" textLength="%.1f" fill="%s"%s%s>%s</text>' %
                           (left + indent * CELL_W, top + BASE, len(shown) * CELL_W, fore,
                            ' font-weight="bold"' if bold else "", ' text-decoration="underline"' if under else "",
                            html.escape(shown)))
            x += len(text)
    return "\n".join(out + ["</svg>", ""])


def words_of(svg):
    """What a picture says, line by line."""
    rows = {}
    for y, text in re.findall(r'<text x="[^"]*" y="(\d+)"[^>]*>([^<]*)</text>', svg):
        rows.setdefault(int(y), []).append(html.unescape(text))
    return "\n".join(" ".join(rows[y]) for y in sorted(rows))


def can_run():
    return subprocess.run(["sh", "-c", "command -v tmux"], stdout=subprocess.DEVNULL, check=False).returncode == 0


def script_name(key):
    """A key of a script (tui/script.h) as tmux calls it."""
    return {"Esc": "Escape", "PgUp": "PPage", "PgDn": "NPage", "S-Tab": "BTab"}.get(key, key)


def server_name():
    return "reftrack-stories-%d" % os.getpid()
