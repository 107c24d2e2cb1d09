"""Formats of text that are recognised and not read: their names, by how the text begins.

Not here: binary formats (`unread`), and documents of JSON (`text.unread_json`).

Sources: OpenVINO's IR is an XML document `net` (docs.openvino.ai, 2025.3); ncnn's .param begins with 7767517
(src/net.cpp); DyNet's TextFileSaver writes `#Parameter# name {sizes} length` (dynet/io.cc); Git LFS, docs/spec.md (v3);
the others from general knowledge.
"""

import re
from typing import Final

from lstmcalc.readers.files.unread import Unread

_HEAD: Final = 2048  # characters that are looked at
_ORIGIN: Final = "give the model that it was converted from"
_DYNET: Final = "load it with DyNet, and np.savez the arrays of its parameters: p.name() and p.as_array()"
_PICKLE: Final = (
    "if you trust it: pickle.dump(pickle.load(open(FILE, 'rb')), open(NEW, 'wb'), protocol=2), and read NEW"
)
_BEGINNINGS: Final = (
    (r"version https://git-lfs\.github\.com/spec/", "a pointer of Git LFS, without the file itself", "git lfs pull"),
    (r"\s*+(<\?xml[^>]*+>\s*+)?+(<!--[^>]*+>\s*+)?+<net\s", "a network of OpenVINO (IR)", _ORIGIN),
    (r"7767517\r?\n\d++ \d++", "a network of ncnn (.param)", _ORIGIN),
    (r"#(Lookup)?Parameter# \S++ \{[\d,X]++\}", "parameters of DyNet", _DYNET),
    (r"model_checkpoint_path: \"", "the list of a TensorFlow checkpoint's files", "give the .index of one of them"),
    (r"node \{\s++name: \"[^\"]++\"\s++op: \"", "a graph of TensorFlow (GraphDef as text)", _ORIGIN),
    (r"(name: \"[^\"\n]*+\"\s++)?+(input(_shape|_dim)?\b[^\n]*+\n\s*+)*+layers? \{", "a network of Caffe", _ORIGIN),
    (r"<Nnet3>|<TransitionModel>", "a model of Kaldi as text", "give its sizes as flags: --input, --hidden"),
    (r"4\r?\n\d++\r?\n3\r?\nV 1\r?\n", "a file of Lua Torch (.t7)", "load it with Lua Torch, and save its arrays"),
    (r"\([dl]p\d++\r?\n|c[a-z_]\w*+(\.\w++)*+\r?\n[A-Za-z_]\w*+\r?\n[(p]", "a pickle of protocol 0", _PICKLE),
    (r"\s*+<(!doctype html|html)\b", "a web page", "the download gave a page instead of the file: download it again"),
)


def text_format(text: str) -> Unread | None:
    """The format that the beginning of a text tells; None if it is of none of these."""
    head = text[:_HEAD].removeprefix("\ufeff")
    for pattern, name, hint in _BEGINNINGS:
        if re.match(pattern, head, re.IGNORECASE if "html" in pattern else 0):
            return Unread(name, hint, "how it begins")
    return None
