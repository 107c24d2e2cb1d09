"""Classes of the standard library: namespaces, mappings, context managers, configurations and command lines.

Code that is interpreted, and never run by Python: what begins with `_` in a call is a primitive (`libraries`). An
instance of a class with `__unlike__` is none of the bases that are written here.

Not here: which class has which name in a library (`table`).
"""

from typing import Final

STANDARD: Final = """
class SimpleNamespace:
    def __init__(self, *args, **kwargs):
        for a in args:
            self.__dict__.update(a)
        self.__dict__.update(kwargs)
    def __eq__(self, other):
        return vars(self) == vars(other)
    def __contains__(self, key):
        return key in self.__dict__

class Namespace(SimpleNamespace):
    pass

class OrderedDict(dict):
    def move_to_end(self, key, last=True):
        value = self.pop(key)
        if last:
            self[key] = value
        else:
            rest = list(self.items())
            self.clear()
            self[key] = value
            self.update(rest)
    def popitem(self, last=True):
        if last:
            return super().popitem()
        for key in list(self):
            return key, self.pop(key)
        raise KeyError

class UserDict(dict):
    __unlike__ = True

class UserList(list):
    __unlike__ = True

class defaultdict(dict):
    def __init__(self, default_factory=None, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.default_factory = default_factory
    def __missing__(self, key):
        if self.default_factory is None:
            raise KeyError(key)
        value = self.default_factory()
        self[key] = value
        return value

class Counter(dict):
    def __init__(self, iterable=None, **kwargs):
        super().__init__()
        self.update(iterable, **kwargs)
    def update(self, iterable=None, **kwargs):
        if iterable is not None:
            if isinstance(iterable, dict):
                for k in iterable:
                    self[k] = super().get(k, 0) + iterable[k]
            else:
                for k in iterable:
                    self[k] = super().get(k, 0) + 1
        for k in kwargs:
            self[k] = super().get(k, 0) + kwargs[k]
    def __missing__(self, key):
        return 0
    def most_common(self, n=None):
        found = sorted(self.items(), key=lambda item: item[1], reverse=True)
        return found if n is None else found[:n]
    def elements(self):
        return [k for k in self for _ in range(self[k])]
    def total(self):
        return sum(self.values())

class ChainMap:
    def __init__(self, *maps):
        self.maps = list(maps) or [{}]
    def __getitem__(self, key):
        for m in self.maps:
            if key in m:
                return m[key]
        raise KeyError(key)
    def get(self, key, default=None):
        return self[key] if key in self else default
    def __contains__(self, key):
        return any([key in m for m in self.maps])
    def __setitem__(self, key, value):
        self.maps[0][key] = value
    def __delitem__(self, key):
        del self.maps[0][key]
    def update(self, *args, **kwargs):
        self.maps[0].update(*args, **kwargs)
    def pop(self, key, *default):
        return self.maps[0].pop(key, *default)
    def _all(self):
        found = {}
        for m in reversed(self.maps):
            found.update(m)
        return found
    def keys(self):
        return self._all().keys()
    def values(self):
        return self._all().values()
    def items(self):
        return self._all().items()
    def __iter__(self):
        return iter(self._all())
    def __len__(self):
        return len(self._all())
    def copy(self):
        return ChainMap(self.maps[0].copy(), *self.maps[1:])
    def new_child(self, m=None):
        return ChainMap({} if m is None else m, *self.maps)

class deque(list):
    __unlike__ = True
    def __init__(self, iterable=(), maxlen=None):
        super().__init__()
        self.maxlen = maxlen
        for x in iterable:
            self.append(x)
    def append(self, x):
        super().append(x)
        if self.maxlen is not None and len(self) > self.maxlen:
            super().pop(0)
    def appendleft(self, x):
        super().insert(0, x)
        if self.maxlen is not None and len(self) > self.maxlen:
            super().pop()
    def extend(self, xs):
        for x in xs:
            self.append(x)
    def extendleft(self, xs):
        for x in xs:
            self.appendleft(x)
    def popleft(self):
        return super().pop(0)
    def rotate(self, n=1):
        for _ in range(n):
            self.appendleft(self.pop())
        for _ in range(-n):
            self.append(self.popleft())

class SectionProxy:
    def __init__(self, parser, name):
        self._parser = parser
        self._name = name
    def _found(self):
        return {**self._parser._defaults, **self._parser._sections[self._name]}
    def __getitem__(self, key):
        return self._found()[key.lower()]
    def __setitem__(self, key, value):
        self._parser._sections[self._name][key.lower()] = value
    def __contains__(self, key):
        return key.lower() in self._found()
    def get(self, key, fallback=None, **kwargs):
        return self._found().get(key.lower(), fallback)
    def getint(self, key, fallback=None):
        return int(self[key]) if key in self else fallback
    def getfloat(self, key, fallback=None):
        return float(self[key]) if key in self else fallback
    def getboolean(self, key, fallback=None):
        return _boolean(self[key]) if key in self else fallback
    def keys(self):
        return self._found().keys()
    def items(self):
        return self._found().items()
    def __iter__(self):
        return iter(self._found())

_MISSING = object()

class ConfigParser:
    def __init__(self, defaults=None, **kwargs):
        self._sections = {}
        self._defaults = {}
        if kwargs:
            self._sections = _unknown()
        if defaults:
            for k in defaults:
                self._defaults[k.lower()] = str(defaults[k])
    def read_string(self, text, source=''):
        for name, values in _ini(text).items():
            if name == 'DEFAULT':
                self._defaults.update(values)
            else:
                self._sections.setdefault(name, {}).update(values)
    def read_dict(self, data, source=''):
        for name in data:
            self._sections.setdefault(name, {})
            for key in data[name]:
                self._sections[name][key.lower()] = str(data[name][key])
    def read(self, *args, **kwargs):
        self._sections = _unknown()
        self._defaults = {}
        return _unknown()
    read_file = readfp = read
    def sections(self):
        return list(self._sections)
    def has_section(self, name):
        return name in self._sections
    def add_section(self, name):
        self._sections[name] = {}
    def has_option(self, section, option):
        return section in self._sections and option.lower() in {**self._defaults, **self._sections[section]}
    def options(self, section):
        return list({**self._defaults, **self._sections[section]})
    def __getitem__(self, name):
        if name == 'DEFAULT':
            return self._defaults
        if name not in self._sections:
            raise KeyError(name)
        return SectionProxy(self, name)
    def __setitem__(self, name, values):
        self._sections[name] = {}
        for key in values:
            self._sections[name][key.lower()] = str(values[key])
    def __contains__(self, name):
        return name in self._sections
    def set(self, section, option, value=None):
        self._sections[section][option.lower()] = value
    def get(self, section, option, fallback=_MISSING, **kwargs):
        if fallback is not _MISSING and not self.has_option(section, option):
            return fallback
        return {**self._defaults, **self._sections[section]}[option.lower()]
    def getint(self, *args, **kwargs):
        return int(self.get(*args, **kwargs))
    def getfloat(self, *args, **kwargs):
        return float(self.get(*args, **kwargs))
    def getboolean(self, *args, **kwargs):
        value = self.get(*args, **kwargs)
        return _boolean(value) if isinstance(value, str) else value
    def items(self, section):
        return list({**self._defaults, **self._sections[section]}.items())

class ArgumentParser:
    def __init__(self, *args, **kwargs):
        self._steps = [('new', args, kwargs)]
        self._held = []
    def add_argument(self, *args, **kwargs):
        self._steps.append(('add', args, kwargs))
        return _unknown()
    def set_defaults(self, **kwargs):
        self._steps.append(('defaults', (), kwargs))
    def get_default(self, dest):
        return _unknown()
    def add_argument_group(self, *args, **kwargs):
        return self
    def add_mutually_exclusive_group(self, **kwargs):
        return self
    def add_subparsers(self, **kwargs):
        return SubParsers(self, kwargs)
    def parse_args(self, args=None, namespace=None):
        return _parse(self, args, namespace, False)
    def parse_known_args(self, args=None, namespace=None):
        return _parse(self, args, namespace, True), _unknown()
    def parse_intermixed_args(self, args=None, namespace=None):
        return _parse(self, args, namespace, False)
    def error(self, message):
        raise SystemExit(2)
    def exit(self, status=0, message=None):
        raise SystemExit(status)
    def print_help(self, *args):
        pass
    def print_usage(self, *args):
        pass

class SubParsers:
    def __init__(self, parser, kwargs):
        self._parser = parser
        self._which = len([s for s in parser._steps if s[0] == 'subs'])
        parser._steps.append(('subs', (), kwargs))
    def add_parser(self, name, **kwargs):
        made = ArgumentParser(**{k: v for k, v in kwargs.items() if k not in ('help', 'aliases')})
        self._parser._steps.append(('sub', (name, made), kwargs))
        return made

class nullcontext:
    def __init__(self, enter_result=None):
        self.enter_result = enter_result
    def __enter__(self):
        return self.enter_result
    def __exit__(self, *args):
        return None

class suppress:
    def __init__(self, *kinds):
        self._kinds = kinds
    def __enter__(self):
        return None
    def __exit__(self, kind, value, trace):
        return kind is not None and isinstance(value, self._kinds)

class closing(nullcontext):
    def __exit__(self, *args):
        self.enter_result.close()

class ExitStack:
    def __init__(self):
        self._stack = []
    def __enter__(self):
        return self
    def enter_context(self, manager):
        value = manager.__enter__()
        self._stack.append(manager.__exit__)
        return value
    def push(self, leave):
        self._stack.append(leave)
        return leave
    def callback(self, function, *args, **kwargs):
        self._stack.append(lambda *_: function(*args, **kwargs) and None)
        return function
    def close(self):
        self.__exit__(None, None, None)
    def __exit__(self, *error):
        taken = False
        while self._stack:
            leave = self._stack.pop()
            if leave(*(error if not taken else (None, None, None))):
                taken = True
        return taken

class GeneratorContext:
    def __init__(self, made):
        self._made = made
    def __enter__(self):
        return next(self._made)
    def __exit__(self, *args):
        return _after(self._made)

class FlagHolder:
    def __init__(self, flags, name, default):
        self._flags = flags
        self.name = name
        self.default = default
    @property
    def value(self):
        return getattr(self._flags, self.name)
    @property
    def present(self):
        return _unknown()
    def serialize(self):
        return _unknown()
    def __bool__(self):
        raise TypeError

class Argv(list):
    def __getitem__(self, index):
        if _is_command_line(self) and isinstance(index, int) and index >= 0:
            return _named_unknown('sys.argv[' + str(index) + ']')
        return super().__getitem__(index)

class Environ(dict):
    def __getitem__(self, key):
        if _is_open_key(self, key):
            _named_unknown('os.environ.' + key)
            return _of_environment(key)
        return super().__getitem__(key)
    def get(self, key, default=None):
        if _is_open_key(self, key):
            value = _of_environment(key)
            return default if value is None else value
        return super().get(key, default)
    def __contains__(self, key):
        if _is_open_key(self, key):
            return _of_environment(key) is not None
        return super().__contains__(key)
"""
