"""Keras (to come)."""
from lstmcalc.readers.python.torch import Torch
from lstmcalc.readers.python.values import Value, Lib, Missing
class Keras(Torch):
    flags: set[str]
    def __init__(self, s, a):
        super().__init__(s,a); self.flags=set()
    def after_entry(self, made: Value) -> None:
        pass
    def usual_attribute(self, path):
        p=path.lstrip("~").lstrip(".")
        if p in("LSTM","LSTMCell"): p="torch.nn."+p
        f=self.class_of_lib(p)
        return Lib(p) if isinstance(f,Missing) else f
