"""A process that has h5py loaded and answers each request in a copy of itself: `hdf5_child`, without its start.

One line of JSON in, `[request, seconds, folder, data]`; the length of the answer out, and the answer. A copy that crashes, or
computes longer, answers with what it has written. Only for tests: thousands of starts of Python would take an hour.
"""

import base64
import io
import json
import os
import signal
import sys

import h5py  # noqa: F401  # so that the copies have it
import numpy as np  # noqa: F401

from lstmcalc.readers.keras.hdf5_child import main


def answer(request: str, seconds: float, folder: str, data: bytes) -> bytes:
    source, target = os.pipe()
    child = os.fork()
    if not child:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        os.chdir(folder)
        sys.stdin = io.TextIOWrapper(io.BytesIO(data))
        os.dup2(target, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            main(request)
        finally:
            os._exit(0)
    os.close(target)
    with os.fdopen(source, "rb") as pipe:
        written = pipe.read()
    os.waitpid(child, 0)
    return written


for line in sys.stdin:
    asked, limit, place, encoded = json.loads(line)
    reply = answer(json.dumps(asked), limit, place, base64.b64decode(encoded))
    sys.stdout.buffer.write(len(reply).to_bytes(8, "little") + reply)
    sys.stdout.buffer.flush()
