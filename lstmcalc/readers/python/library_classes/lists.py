"""What numbers the modules that it holds, of any library: code that is interpreted, with BASE for its base.

Not here: the libraries (`cells`, `gluon`).
"""

from typing import Final

LISTS: Final = ("_List", "SequentialRNNCell")  # the classes that number what they hold
# What numbers what it holds, as a list does.
LIST: Final = """
class _List(BASE):
    def __init__(self, *items):
        super().__init__()
        for item in items:
            self.append(item)
    def append(self, item):
        setattr(self, str(len(_children_all(self))), item)
        return self
    def extend(self, items):
        for item in items:
            self.append(item)
        return self
    def __iter__(self):
        return iter(_children_all(self))
    def __len__(self):
        return len(_children_all(self))
    def __getitem__(self, index):
        return _children_all(self)[index]
    def __setitem__(self, index, item):
        setattr(self, [name for name, _ in _named_children_all(self)][index], item)
    def forward(self, x, *args):
        for item in _children_all(self):
            x = item(x)
        return x
"""
