"""Checkpoints of PyTorch and other pickles: their tensors and modules, read without PyTorch.

Nothing in a file is executed (`readers.pickles`), and only its index is read; the numbers of a tensor are read when
they are asked for. Names are paths: `encoder.weight_ih_l0` in a state_dict, `model_state.encoder.weight_ih_l0` in a
state_dict within a dictionary, `optimizer_state.state.0.exp_avg` in the state of an optimizer.

Source: torch 2.13.0 (torch/serialization.py: `_save`, `_load`, `_legacy_save`, `_legacy_load`; `torch.jit.save`), run,
and its files of earlier versions.

Not here: archives (`zip_files`), files of earlier versions (`legacy`), and what a pickle holds (`contents`).
"""

from collections.abc import Sequence

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.inner import File, Inner, name_of, section_of
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.pickles.arrays import INLINE
from lstmcalc.readers.pickles.embedded import TFLITE, files_in
from lstmcalc.readers.torch.contents import weight_file
from lstmcalc.readers.torch.legacy import MAGIC, PickledStorages, legacy_content
from lstmcalc.readers.torch.storages import Content
from lstmcalc.readers.torch.zip_files import read_zip


def read_torch(file: File) -> WeightFile:
    """A file that `torch.save`, `torch.jit.save` or Lightning wrote: a state_dict, a checkpoint or a whole module.

    Zip archives and the older form without one are told apart by content.
    """
    section = section_of(file)
    if section.read(0, min(section.length, 4)) in (b"PK\3\4", b"PK\5\6"):
        return read_zip(file)
    return read_pickle(file)


def read_pickle(file: File) -> WeightFile:
    """A pickle: of NumPy's arrays, of tensors, of whole modules; or the form of `torch.save` before PyTorch 1.6."""
    from lstmcalc.readers.pickles.joblib import interpret_joblib, is_outside

    section = section_of(file)
    _refuse_tar(section)
    first = interpret_joblib(section)
    if type(first.value) is int and first.value == MAGIC:
        content = legacy_content(section, first.end)
        return weight_file("PyTorch (before 1.6)", content, ())
    notes = [] if first.end == section.length else ["more follows after the first pickle of this file; it is not read"]
    if is_outside(first.called):
        notes.append("joblib before 0.10 wrote its arrays to other files, which are not read")
    read = weight_file("pickle", Content(first.value, first.called, PickledStorages().locate), tuple(notes))
    read = read._replace(format="joblib") if INLINE in first.called else read
    return _with_embedded(read, list(files_in(first.value)), name_of(file))


def _with_embedded(read: WeightFile, embedded: Sequence[tuple[str, Section]], name: str) -> WeightFile:
    """The file that was read of a pickle, with the models that are whole files among its byte strings."""
    from lstmcalc.readers.files.containers import archive_inside
    from lstmcalc.readers.files.joined import below, joined
    from lstmcalc.readers.files.kinds import inner_kind, open_inner

    models, notes = list[WeightFile](), list[str]()
    for path, section in embedded:
        inner = Inner(section, f"{name}, {section.length:,} bytes{f' at {shorten(path)[1:-1]}' if path else ''}")
        kind = inner_kind(inner)
        try:
            model = open_inner(inner) if kind else None
        except SourceError:
            if kind != "packed":  # several models, or what is damaged
                raise
            model = None
        if model is None:
            is_lite = section.read(4, 4) == TFLITE
            what = "a model of TensorFlow Lite" if is_lite else archive_inside(inner).name
            notes.append(f"{section.length:,} bytes in it look like {what}, and are not read")
            continue
        models.append(below(path if len(embedded) > 1 else "", model))
    if not models:
        return read._replace(notes=(*notes, *read.notes))
    formats = list(dict.fromkeys(model.format for model in models))
    whole = joined([*models, read], f"{', '.join(formats)} in {read.format}", notes)
    return whole._replace(kind=models[0].kind)


def _refuse_tar(section: Section) -> None:
    if section.length > 512 and section.read(257, 5) == b"ustar":  # noqa: PLR2004  # one block
        raise SourceError(
            "this is a tar archive, as PyTorch saved until 0.1.10",
            expected="a file of a later version",
            hint="if you trust it: torch.save(torch.load(path, weights_only=False), path)",
        )
