#!/usr/bin/env python3
"""GStreamer: planted bugs are told as one finding each, with the release that is missing; pipelines of the distribution's
elements, whose threads hand buffers, events and messages to each other, run as ever and without findings, however they end; and
every call is seen that gdb sees.
Usage: media.py REFTRACK CC FOLDER_OF_SOURCES [long]. Skipped (77) without what they need."""
import os
import re
import shutil
import subprocess
import sys

from rig import build, check, every_call, finish, folder, healthy, line_of, long_form, planted, record, unharmed

QUIET = ("reachable", "unfreed") # verdicts of what lives by design


def loud(report):
    return [f for f in report["findings"] if f["verdict"] not in QUIET]


def told(program, bug, kind, counts, born, missing):
    """One finding: so many objects of that type, born there, and the release that is missing is named."""
    found = loud(unharmed([program, bug]))
    what = [(f["verdict"], f["type"], f["objects"], f["born"].get("line"), (f["missing"] or {}).get("line")) for f in found]
    lines = line_of("media.c", born), line_of("media.c", missing)
    check(len(found) == 1 and what[0][:2] == ("missing-unref", kind) and what[0][2] in counts and what[0][3] in lines[0] and
          what[0][4] in lines[1], "media %s: %s, expected %s of %s born at %s, missing at %s" % (bug, what, counts, kind, *lines))


def planted_bugs(program):
    told(program, "buffer", "GstBuffer", [7], "*other = gst_buffer_ref(buffer)", "gst_buffer_unref(buffer);")
    told(program, "pad", "GstGhostPad", [7], "gst_ghost_pad_new_no_target", "gst_object_unref(pad);")
    planted(program, "media.c", "ref", "missing-unref", "GstBin", "gst_object_ref(outer)")
    if not long_form:
        return
    # To some a word still leads that looks like a pointer: in the pool's queue, or in a variable that is no more.
    told(program, "caps", "GstCaps", [6, 7], "*caps = gst_caps_new_simple", "gst_caps_unref(caps);")
    told(program, "event", "GstEvent", [6, 7], "= gst_event_new_custom", "gst_event_unref(event);")
    told(program, "query", "GstQuery", [6, 7], "= gst_query_new_latency", "gst_query_unref(query);")
    told(program, "pool", "GstBuffer", range(3, 8), "gst_buffer_pool_acquire_buffer(", "gst_buffer_unref(buffer);")
    planted(program, "media.c", "message", "missing-unref", "GstMessage", "gst_message_new_application")
    planted(program, "media.c", "element", "floating", "GstBin", "*bin = gst_bin_new(\"inner\")")
    planted(program, "media.c", "variable", "missing-unref", "GstCaps", "gst_caps_take(")
    _, _, report = record([program, "over"])
    check([f for f in report["findings"] if f["verdict"] == "over-released" and f["type"] == "GstBuffer"],
          "media over: %s" % [(f["verdict"], f["type"]) for f in report["findings"]])


VIDEO = "videotestsrc num-buffers=30 ! video/x-raw,width=32,height=32 ! "
PIPELINES = [ # that end well, by an error while they run, and before they run
    VIDEO + "tee name=t ! queue ! fakesink t. ! queue ! videoconvert ! fakesink",
    "audiotestsrc num-buffers=50 ! queue ! vorbisenc ! queue ! oggmux ! queue ! oggdemux ! queue ! vorbisdec ! queue ! fakesink",
    "audiotestsrc num-buffers=50 ! queue ! identity error-after=20 ! queue ! fakesink",
    "filesrc location=/none/such ! queue ! decodebin ! fakesink",
]
LONG_PIPELINES = [
    "audiotestsrc num-buffers=100 ! queue ! audioconvert ! audioresample ! queue ! fakesink",
    VIDEO + "queue max-size-buffers=2 leaky=downstream ! videoconvert ! queue ! fakesink sync=true",
    VIDEO + "theoraenc ! queue ! oggmux name=m ! queue ! decodebin ! queue ! fakesink audiotestsrc num-buffers=30 ! vorbisenc ! queue ! m.",
    VIDEO + "queue ! videorate ! videoscale ! video/x-raw,width=16,height=16 ! tee name=t ! queue ! fakesink t. ! queue ! pngenc ! fakesink",
    "audiotestsrc num-buffers=40 ! tee name=t ! queue ! audiomixer name=m ! fakesink t. ! queue ! m. audiotestsrc num-buffers=40 ! queue ! m.",
    "filesrc location=MEDIA ! decodebin name=d d. ! queue ! audioconvert ! fakesink d. ! queue ! videoconvert ! fakesink",
    "playbin uri=file://MEDIA video-sink=fakesink audio-sink=fakesink",
    "filesrc location=MEDIA ! tee name=t ! queue ! filesink location=/dev/null t. ! multiqueue ! fakesink",
    VIDEO + "rtpvrawpay ! queue ! rtpvrawdepay ! queue2 ! fakesink",
    "audiotestsrc num-buffers=30 ! audio/x-raw,channels=2 ! deinterleave name=d interleave name=i d.src_0 ! queue ! i. d.src_1 ! queue ! i. i. ! fakesink",
]
MAKE_MEDIA = VIDEO + "theoraenc ! queue ! oggmux name=m ! filesink location=MEDIA audiotestsrc num-buffers=60 ! vorbisenc ! queue ! m."


def installed(pipeline):
    """All its elements are. What has no '=', '/' or '.' in it is one."""
    words = set(w for w in pipeline.split() if re.fullmatch("[a-z0-9]+", w))
    return all(subprocess.run(["gst-inspect-1.0", "--exists", w]).returncode == 0 for w in words)


def quiet(pipeline):
    """Nothing is found in it, whatever its end."""
    _, _, report = record(["gst-launch-1.0", "-q"] + pipeline.split())
    found = [(f["verdict"], f["type"], f["objects"]) for f in loud(report)]
    audit = report["audit"]
    check(not found, "%s: found where nothing is wrong: %s" % (pipeline, found))
    check(audit["lost"] == 0 and audit["certain"], "%s: it is uncertain: %s" % (pipeline, audit["why_uncertain"]))
    check(sum(h["calls"] for h in audit["hooks"] if h["function"] == "gst_mini_object_ref") > 0, "%s: no calls were seen" % pipeline)


def pipelines():
    file = os.path.join(folder, "media.ogg")
    if long_form and installed(MAKE_MEDIA):
        subprocess.run(["gst-launch-1.0", "-q"] + MAKE_MEDIA.replace("MEDIA", file).split(), stderr=subprocess.DEVNULL, timeout=120)
    for pipeline in (PIPELINES + LONG_PIPELINES) * 3 if long_form else PIPELINES:
        if installed(pipeline) and ("MEDIA" not in pipeline or os.path.exists(file)):
            quiet(pipeline.replace("MEDIA", file))


player = build("media", "gstreamer-1.0")
launch = shutil.which("gst-launch-1.0") is not None and shutil.which("gst-inspect-1.0") is not None
if player is None and not launch:
    print("no gstreamer-1.0 (libgstreamer1.0-dev), no gst-launch-1.0 (gstreamer1.0-tools)")
    sys.exit(77)
if player is not None:
    healthy([player, "none"])
    planted_bugs(player)
if launch:
    pipelines()
    if long_form and shutil.which("gdb") is not None and installed(VIDEO + "fakesink"):
        every_call(["gst-launch-1.0", "-q"] + (VIDEO + "fakesink").split(), 30)
    if long_form:
        unharmed(["gst-inspect-1.0", "fakesink"])
finish()
