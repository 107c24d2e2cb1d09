"""Classes of a file that are derived from Python's own, each with one special method of its own, and what calls it."""

from collections.abc import Iterator

HEAD = """\
import torch.nn as nn
from collections import OrderedDict, defaultdict, deque, Counter, UserDict, UserList
"""
BASES = {  # with what an instance is made of
    "int": "3",
    "float": "3.0",
    "str": "'ab'",
    "list": "[1, 2]",
    "dict": "{'a': 1, 'b': 2}",
    "set": "{1, 2}",
    "tuple": "(1, 2)",
    "OrderedDict": "{'a': 1, 'b': 2}",
    "Counter": "{'a': 1, 'b': 2}",
    "deque": "[1, 2]",
    "UserList": "[1, 2]",
    "UserDict": "{'a': 1}",
    "object": "",
    "frozenset": "{1,2}",
    "bytes": "b'ab'",
    "complex": "3+1j",
}
# A method, its parameters, what it returns, and expressions of an instance `x` of a class `K`.
METHODS = [
    ("__len__", "(self)", "9", ["len(x)", "bool(x) + 1", "(5 if x else 6)", "(5 if not x else 6)", "len(list(x))", "(len(x or [1]))"]),
    ("__len__", "(self)", "0", ["len(x) + 1", "bool(x) + 1", "(5 if x else 6)", "int(x and 1 or 2) if not isinstance(x,(int,float,str)) else 3", "any([x]) + 1"]),
    ("__bool__", "(self)", "False", ["(5 if x else 6)", "bool(x) + 1", "(5 if not x else 6)", "any([x]) + 1", "all([x]) + 1", "len([i for i in [x] if i]) + 1", "len(list(filter(None, [x]))) + 1", "(1 if x and True else 2)"]),
    ("__iter__", "(self)", "iter([4, 5])", ["sum(x)", "len(list(x))", "len([*x])", "max(x)", "sum(i for i in x)", "len(set(x))", "len(tuple(x)) + 1", "sorted(x)[0]", "len(dict.fromkeys(x))", "(4 in x) + 1", "len(list(zip(x, [1, 2, 3])))", "list(enumerate(x))[1][1]", "sum(map(int, x))", "(lambda *a: sum(a))(*x)"]),
    ("__contains__", "(self, k)", "True", ["('z' in x) + 1", "('z' not in x) + 1", "(7 in x) + 1"]),
    ("__getitem__", "(self, k)", "7", ["x[0]", "x['a']", "x[-1]", "sum(x) if hasattr(x, '__iter__') else 3", "len(list(x)) + 1 if hasattr(x, '__iter__') else 3", "(x[1:] if isinstance(x[1:], int) else len(x[1:]))", "x.get('a', 3) if hasattr(x, 'get') else 2", "len('%s' % x['a'])", "list(reversed(x))[0] if hasattr(x,'__reversed__') else 3"]),
    ("__setitem__", "(self, k, v)", "None", ["(x.__setitem__(0, 9), len(x) if hasattr(x,'__len__') else 2)[1]", "[len(x) if hasattr(x, '__len__') else 2 for x[0] in [5]][0]"]),
    ("__eq__", "(self, o)", "True", ["(x == 99) + 1", "(x != 99) + 1", "(99 in [x]) + 1", "([x] == [99]) + 1", "[x].count(99) + 1", "[x].index(99) + 1", "(x in (1, 99)) + 1", "({'k': x} == {'k': 5}) + 1"]),
    ("__ne__", "(self, o)", "False", ["(x != 99) + 1", "(x == 99) + 1"]),
    ("__lt__", "(self, o)", "True", ["(x < 0) + 1", "(0 > x) + 1", "(sorted([5, x])[0] is x) + 1", "(min([5, x]) is x) + 1", "(max([5, x]) is x) + 1"]),
    ("__gt__", "(self, o)", "True", ["(x > 1000) + 1", "(1000 < x) + 1", "(max([5, x]) is x) + 1"]),
    ("__le__", "(self, o)", "True", ["(x <= -5) + 1"]),
    ("__hash__", "(self)", "5", ["hash(x)", "len({x, x})", "len({x: 1})"]),
    ("__add__", "(self, o)", "11", ["x + 1", "(x + x)", "sum([x], x) if not isinstance(x, (str, bytes)) else 1"]),
    ("__radd__", "(self, o)", "12", ["1 + x", "0 + x", "sum([x])", "[1] + x", "'a' + x", "(1,) + x"]),
    ("__iadd__", "(self, o)", "13", ["[x := x, exec('y = x'), 1][2]", "(lambda q: [q.__iadd__(1)][0])(x)"]),
    ("__mul__", "(self, o)", "14", ["x * 2", "2 * x"]),
    ("__rmul__", "(self, o)", "15", ["2 * x", "x * 2"]),
    ("__sub__", "(self, o)", "16", ["x - 1"]),
    ("__rsub__", "(self, o)", "17", ["5 - x"]),
    ("__mod__", "(self, o)", "18", ["x % 2", "x % (1,)"]),
    ("__floordiv__", "(self, o)", "19", ["x // 2"]),
    ("__truediv__", "(self, o)", "20", ["x / 2"]),
    ("__pow__", "(self, o)", "21", ["x ** 2", "pow(x, 2)"]),
    ("__neg__", "(self)", "22", ["-x"]),
    ("__pos__", "(self)", "23", ["+x"]),
    ("__abs__", "(self)", "24", ["abs(x)"]),
    ("__invert__", "(self)", "25", ["~x"]),
    ("__int__", "(self)", "26", ["int(x)", "range(int(x))[-1]", "int('%d' % x)"]),
    ("__index__", "(self)", "27", ["range(x)[-1] + 1", "[0, 1, 2][x % 3] + 1 if hasattr(x,'__mod__') and not isinstance(x,(str,bytes)) else 2", "len([0] * x) if not isinstance(x,(list,tuple,str,bytes)) else 2", "hex(x).count('1') + 1", "int(x)"]),
    ("__float__", "(self)", "2.5", ["int(float(x) * 2)"]),
    ("__round__", "(self, n=None)", "28", ["round(x)"]),
    ("__trunc__", "(self)", "29", ["__import__('math').trunc(x)"]),
    ("__floor__", "(self)", "30", ["__import__('math').floor(x)"]),
    ("__ceil__", "(self)", "31", ["__import__('math').ceil(x)"]),
    ("__str__", "(self)", "'abcd'", ["len(str(x))", "len(f'{x}')", "len('%s' % x)", "len('{}'.format(x))", "len(repr([str(x)]))", "len(' '.join([str(x)]))", "int(str(len(str(x))))"]),
    ("__repr__", "(self)", "'abcde'", ["len(repr(x))", "len(f'{x!r}')", "len(str(x))", "len(str([x]))", "len('%r' % (x,))"]),
    ("__format__", "(self, s)", "'abcdef'", ["len(f'{x}')", "len(format(x))", "len('{}'.format(x))", "len(f'{x:>3}')"]),
    ("__call__", "(self, *a)", "33", ["x()", "x(1, 2)", "list(map(x, [1]))[0]", "callable(x) + 1"]),
    ("__getattr__", "(self, n)", "34", ["x.foo", "getattr(x, 'bar', 3)", "hasattr(x, 'zzz') + 1"]),
    ("__getattribute__", "(self, n)", "35", ["x.foo", "x.real", "getattr(x, 'bar', 3)"]),
    ("__missing__", "(self, k)", "36", ["x['zz']", "x.get('zz', 3)", "('zz' in x) + 1"]),
    ("__reversed__", "(self)", "iter([8])", ["list(reversed(x))[0]"]),
    ("__enter__", "(self)", "37", ["1"]),
    ("__divmod__", "(self, o)", "(38, 1)", ["divmod(x, 2)[0]"]),
    ("__and__", "(self, o)", "39", ["x & 1"]),
    ("__or__", "(self, o)", "40", ["x | 1", "x | {}"]),
    ("__ror__", "(self, o)", "41", ["1 | x", "{} | x"]),
    ("__xor__", "(self, o)", "42", ["x ^ 1"]),
    ("__lshift__", "(self, o)", "43", ["x << 1"]),
    ("__matmul__", "(self, o)", "44", ["x @ 1"]),
    ("__new__", "(cls, *a)", "BASE.__new__(cls, *a)", ["1 + isinstance(x, K)"]),
    ("keys", "(self)", "['q', 'r', 's']", ["len({**x})", "len(dict(x))", "len(x.keys())", "len(list(x))"]),
    ("items", "(self)", "[('q', 5)]", ["len(x.items())", "len(dict(x))", "sum(v for k, v in x.items())"]),
    ("values", "(self)", "[45]", ["sum(x.values())"]),
    ("get", "(self, *a)", "46", ["x.get('a')"]),
    ("append", "(self, v)", "47", ["x.append(1)"]),
    ("pop", "(self, *a)", "48", ["x.pop()"]),
    ("index", "(self, v)", "49", ["x.index(1)"]),
    ("copy", "(self)", "[1, 2, 3, 4]", ["len(x.copy())"]),
    ("count", "(self, v)", "50", ["x.count(1)"]),
    ("__copy__", "(self)", "51", ["__import__('copy').copy(x)"]),
    ("__deepcopy__", "(self, m)", "52", ["__import__('copy').deepcopy(x)"]),
    ("__sizeof__", "(self)", "53", ["1"]),
    ("__instancecheck__", "(self, o)", "True", ["isinstance(3, K) + 1"]),
    ("__subclasshook__", "(cls, o)", "True", ["issubclass(int, K) + 1"]),
    ("__class_getitem__", "(cls, o)", "54", ["K[3]"]),
    ("__set_name__", "(self, o, n)", "None", ["1"]),
    ("__length_hint__", "(self)", "5", ["__import__('operator').length_hint(x)"]),
    ("__dir__", "(self)", "['a', 'b']", ["len(dir(x))"]),
    ("__bytes__", "(self)", "b'abc'", ["len(bytes(x))"]),
    ("__complex__", "(self)", "5+1j", ["int(complex(x).real)"]),
]  # fmt: skip


def programs() -> Iterator[str]:
    """Every program: what an expression gives is the size of an LSTM, and decides whether there is another."""
    for base, value in BASES.items():
        for name, parameters, given, expressions in METHODS:
            for expression in expressions:
                body = f"    def {name}{parameters}: return {given.replace('BASE', base)}"
                made = f"class K({base}):\n{body}\nx = K({value})\nh = {expression}"
                yield f"{HEAD}{made}\nnn.LSTM(3, h)\nif h:\n    nn.LSTM(4, 5)\n"
