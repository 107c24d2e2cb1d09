"""Classes of libraries, as ordinary Python that the machine interprets like the file's own.

Subclassing, `super()`, overriding and going through them then need no rules. Names that begin with an underscore and
are not bound here are primitives of the machine (`libraries.primitive`).

Not here: functions of libraries (`standard`, `torch`, `keras`).
"""

from functools import cache
from importlib import import_module
from typing import Final

_STANDARD: Final = """
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
    pass

class UserList(list):
    pass

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
                    self[k] = self[k] + iterable[k]
            else:
                for k in iterable:
                    self[k] = self[k] + 1
        for k in kwargs:
            self[k] = self[k] + kwargs[k]
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

class Argv(list):
    def __getitem__(self, index):
        if isinstance(index, int) and index >= len(self):
            return _named_unknown('sys.argv[' + str(index) + ']')
        return super().__getitem__(index)
"""

_TORCH: Final = """
class Module:
    training = True
    def __init__(self, *args, **kwargs):
        pass
    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)
    def add_module(self, name, module):
        setattr(self, name, module)
    def register_module(self, name, module):
        setattr(self, name, module)
    def register_buffer(self, name, tensor, persistent=True):
        _buffer(self, name, tensor, persistent)
    def register_parameter(self, name, param):
        setattr(self, name, param)
    def to(self, *args, **kwargs):
        _cast_to(self, *args, **kwargs)
        return self
    def type(self, dst_type):
        _cast_to(self, dst_type)
        return self
    def half(self):
        _cast_to(self, 'float16')
        return self
    def double(self):
        _cast_to(self, 'float64')
        return self
    def float(self):
        _cast_to(self, 'float32')
        return self
    def bfloat16(self):
        _cast_to(self, 'bfloat16')
        return self
    def cuda(self, device=None):
        return self
    def cpu(self):
        return self
    def train(self, mode=True):
        for m in _children(self):
            m.train(mode)
        self.training = mode
        return self
    def eval(self):
        return self.train(False)
    def requires_grad_(self, requires_grad=True):
        return self
    def share_memory(self):
        return self
    def compile(self, *args, **kwargs):
        return None
    def zero_grad(self, set_to_none=True):
        return None
    def apply(self, fn):
        for m in _children(self):
            m.apply(fn)
        fn(self)
        return self
    def children(self):
        return iter(_children(self))
    def named_children(self):
        return iter(_named_children(self))
    def modules(self):
        return iter([m for _, m in _named_modules(self, '')])
    def named_modules(self, memo=None, prefix='', remove_duplicate=True):
        return iter(_named_modules(self, prefix))
    def get_submodule(self, target):
        found = self
        for name in target.split('.') if target else []:
            found = getattr(found, name)
        return found
    @property
    def _modules(self):
        return dict(_named_children(self))

class Sequential(Module):
    def __init__(self, *args):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], dict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)
    def forward(self, x):
        for module in _children_all(self):
            x = module(x)
        return x
    def __iter__(self):
        return iter(_children_all(self))
    def __len__(self):
        return len(_children_all(self))
    def __getitem__(self, index):
        if isinstance(index, slice):
            return _like(self, _children_all(self)[index])
        return _children_all(self)[index]
    def __setitem__(self, index, module):
        setattr(self, [name for name, _ in _named_children_all(self)][index], module)
    def __delitem__(self, index):
        kept = [m for i, m in enumerate(_children_all(self)) if i != index % len(self)]
        for name, _ in _named_children_all(self):
            delattr(self, name)
        for i, m in enumerate(kept):
            setattr(self, str(i), m)
    def append(self, module):
        self.add_module(str(len(self)), module)
        return self
    def extend(self, modules):
        for m in modules:
            self.append(m)
        return self
    def insert(self, index, module):
        kept = list(_children_all(self))
        kept.insert(index, module)
        for i, m in enumerate(kept):
            setattr(self, str(i), m)
        return self
    def pop(self, key):
        found = self[key]
        del self[key]
        return found

class ModuleList(Sequential):
    def __init__(self, modules=None):
        Module.__init__(self)
        if modules is not None:
            for m in modules:
                self.append(m)
    def __iadd__(self, modules):
        return self.extend(modules)
    def __add__(self, other):
        return ModuleList(list(self) + list(other))

class ModuleDict(Module):
    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)
    def update(self, modules):
        for name, m in (modules.items() if hasattr(modules, 'items') else modules):
            self.add_module(name, m)
    def __getitem__(self, key):
        return dict(_named_children_all(self))[key]
    def __setitem__(self, key, module):
        self.add_module(key, module)
    def __delitem__(self, key):
        delattr(self, key)
    def __contains__(self, key):
        return key in dict(_named_children_all(self))
    def __len__(self):
        return len(_children_all(self))
    def __iter__(self):
        return iter(dict(_named_children_all(self)))
    def keys(self):
        return dict(_named_children_all(self)).keys()
    def values(self):
        return dict(_named_children_all(self)).values()
    def items(self):
        return dict(_named_children_all(self)).items()
    def pop(self, key):
        found = self[key]
        delattr(self, key)
        return found
    def clear(self):
        for key in list(self):
            delattr(self, key)

class ParameterList(Module):
    def __init__(self, values=None):
        super().__init__()
        if values is not None:
            self.extend(values)
    def append(self, value):
        setattr(self, str(len(self)), _as_parameter(value))
        return self
    def extend(self, values):
        for value in values:
            self.append(value)
        return self
    def __getitem__(self, index):
        return _children_all(self)[index]
    def __setitem__(self, index, value):
        setattr(self, str(index), _as_parameter(value))
    def __len__(self):
        return len(_children_all(self))
    def __iter__(self):
        return iter(_children_all(self))

class ParameterDict(ModuleDict):
    def update(self, parameters):
        for name, value in (parameters.items() if hasattr(parameters, 'items') else parameters):
            self[name] = value
    def __setitem__(self, key, value):
        setattr(self, key, _as_parameter(value))

class TransformerEncoder(Module):
    def __init__(self, encoder_layer, num_layers, norm=None, *args, **kwargs):
        super().__init__()
        self.layers = ModuleList([_deepcopy(encoder_layer) for _ in range(num_layers)])
        self.norm = norm
    def forward(self, src, *args, **kwargs):
        return src

class TransformerDecoder(TransformerEncoder):
    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__(decoder_layer, num_layers, norm)

class RNNBase(Module):
    def flatten_parameters(self):
        return None
    def reset_parameters(self):
        return None

class LSTM(RNNBase):
    __init__ = _lstm('torch.nn.LSTM')
    forward = _lstm_call()

class LSTMCell(RNNBase):
    __init__ = _lstm('torch.nn.LSTMCell')
    forward = _lstm_call()

class GRU(RNNBase):
    __init__ = _relative('torch.nn.GRU')

class RNN(RNNBase):
    __init__ = _relative('torch.nn.RNN')

class GRUCell(RNNBase):
    __init__ = _relative('torch.nn.GRUCell')

class RNNCell(RNNBase):
    __init__ = _relative('torch.nn.RNNCell')

class DataParallel(Module):
    def __init__(self, module, *args, **kwargs):
        super().__init__()
        self.module = module
    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

class DistributedDataParallel(DataParallel):
    pass

class LightningModule(Module):
    def save_hyperparameters(self, *args, **kwargs):
        _hyperparameters(self, args, kwargs)
    def log(self, *args, **kwargs):
        return None
    log_dict = print = log

class LightningDataModule:
    def __init__(self, *args, **kwargs):
        pass
    def save_hyperparameters(self, *args, **kwargs):
        _hyperparameters(self, args, kwargs)

class AttributeDict(dict):
    def __getattr__(self, key):
        if key in self:
            return self[key]
        raise AttributeError(key)
    def __setattr__(self, key, value):
        self[key] = value

class Dataset:
    pass

class IterableDataset(Dataset):
    pass
"""

_KERAS: Final = """
class Layer:
    def __init__(self, *args, **kwargs):
        if 'name' in kwargs:
            self.name = kwargs['name']
    def __call__(self, *args, **kwargs):
        return _call_layer_with(self, args, kwargs)
    def build(self, input_shape):
        return None
    def add_weight(self, *args, **kwargs):
        return _unknown()
    def compute_mask(self, *args, **kwargs):
        return _unknown()

class Model(Layer):
    def __init__(self, *args, **kwargs):
        super().__init__(**{k: kwargs[k] for k in kwargs if k == 'name'})
        _model(self, args, kwargs)
    def compile(self, *args, **kwargs):
        return None
    def summary(self, *args, **kwargs):
        return None
    def fit(self, x=None, *args, **kwargs):
        if x is not None and _is_array(x):
            self(x)
        return _unknown()
    def predict(self, x=None, *args, **kwargs):
        return self(x) if _is_array(x) else _unknown()
    def evaluate(self, x=None, *args, **kwargs):
        if _is_array(x):
            self(x)
        return _unknown()
    def build(self, input_shape=None):
        if input_shape is not None:
            self(_array_of_shape(input_shape))
    @property
    def layers(self):
        return _layers_of(self)
    @property
    def output(self):
        return _output_of(self)
    @property
    def outputs(self):
        return [_output_of(self)]
    @property
    def input(self):
        return _input_of(self)
    @property
    def inputs(self):
        return [_input_of(self)]
    @property
    def input_shape(self):
        return self.input.shape
    @property
    def output_shape(self):
        return self.output.shape
    def get_layer(self, name=None, index=None):
        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(name)

class Sequential(Model):
    def __init__(self, layers=None, trainable=True, name=None):
        super().__init__(name=name)
        _begin(self)
        if layers:
            for layer in layers:
                self.add(layer)
    def add(self, layer):
        _add(self, layer)
    def pop(self):
        return _pop(self)
"""

_FLAX: Final = """
class Module:
    def __init_subclass__(cls, **kwargs):
        _fields(cls)
    def __call__(self, *args, **kwargs):
        return _unknown()
    def init(self, rngs, *args, **kwargs):
        _begin_flax(self)
        self(*args)
        return _unknown()
    def init_with_output(self, rngs, *args, **kwargs):
        _begin_flax(self)
        return self(*args), _unknown()
    def apply(self, variables, *args, **kwargs):
        _begin_flax(self)
        return _unknown()
    def tabulate(self, rngs, *args, **kwargs):
        _begin_flax(self)
        self(*args)
        return _unknown()
    def param(self, *args, **kwargs):
        return _unknown()
    def variable(self, *args, **kwargs):
        return _unknown()
    def sow(self, *args, **kwargs):
        return None
    def make_rng(self, *args):
        return _unknown()

class LSTMCell(Module):
    __init__ = _flax_lstm('flax.linen.LSTMCell')
    __call__ = _flax_step()
    def initialize_carry(self, *args):
        return _unknown()

class OptimizedLSTMCell(LSTMCell):
    __init__ = _flax_lstm('flax.linen.OptimizedLSTMCell')

class RNN(Module):
    __init__ = _flax_around('RNN')
    __call__ = _flax_sequence()

class Bidirectional(Module):
    __init__ = _flax_around('Bidirectional')
    __call__ = _flax_both()

class Dense(Module):
    def __init__(self, features, *args, **kwargs):
        self.features = features
    def __call__(self, inputs):
        return _with_axis(inputs, self.features, False)

class Embed(Module):
    def __init__(self, num_embeddings, features, *args, **kwargs):
        self.features = features
    def __call__(self, inputs):
        return _with_axis(inputs, self.features, True)

class LayerNorm(Module):
    def __init__(self, *args, **kwargs):
        pass
    def __call__(self, x, *args, **kwargs):
        return _same_array(x)

class Dropout(LayerNorm):
    __init__ = LayerNorm.__init__

class RMSNorm(LayerNorm):
    __init__ = LayerNorm.__init__

class GroupNorm(LayerNorm):
    __init__ = LayerNorm.__init__

class BatchNorm(LayerNorm):
    __init__ = LayerNorm.__init__
"""

_NNX: Final = """
class Module:
    pass

class Rngs:
    def __init__(self, *args, **kwargs):
        pass

class LSTMCell(Module):
    __init__ = _flax_lstm('flax.nnx.LSTMCell')
    __call__ = _flax_step()
    def initialize_carry(self, *args):
        return _unknown()

class OptimizedLSTMCell(LSTMCell):
    __init__ = _flax_lstm('flax.nnx.OptimizedLSTMCell')

class RNN(Module):
    __init__ = _flax_around('RNN')
    __call__ = _flax_sequence()

class Bidirectional(Module):
    __init__ = _flax_around('Bidirectional')
    __call__ = _flax_both()
"""

CODE: Final = {"flax": _FLAX, "nnx": _NNX, "standard": _STANDARD, "torch": _TORCH, "keras": _KERAS}

# The module in `CODE` of each class.
HOMES: Final[dict[str, str]] = {
    **dict.fromkeys(("types.SimpleNamespace", "argparse.Namespace", "argparse.ArgumentParser"), "standard"),
    **{
        f"collections.{name}": "standard"
        for name in ("OrderedDict", "defaultdict", "Counter", "ChainMap", "deque", "UserDict", "UserList")
    },
    "sys.Argv": "standard",
    "contextlib.GeneratorContext": "standard",
    **{f"configparser.{name}": "standard" for name in ("ConfigParser", "RawConfigParser", "SafeConfigParser")},
    **{f"contextlib.{name}": "standard" for name in ("nullcontext", "suppress", "closing", "ExitStack")},
    **{
        f"torch.nn.{name}": "torch"
        for name in (
            *[
                "Module",
                "Sequential",
                "ModuleList",
                "ModuleDict",
                "ParameterList",
                "ParameterDict",
                "TransformerEncoder",
                "TransformerDecoder",
                "RNNBase",
                "LSTM",
                "LSTMCell",
                "GRU",
                "RNN",
                "GRUCell",
            ],
            *["RNNCell", "DataParallel"],
        )
    },
    **{
        f"flax.linen.{name}": "flax"
        for name in (
            *("Module", "LSTMCell", "OptimizedLSTMCell", "RNN", "Bidirectional"),
            *("Dense", "Embed", "LayerNorm", "Dropout", "RMSNorm", "GroupNorm", "BatchNorm"),
        )
    },
    **{
        f"flax.nnx.{name}": "nnx"
        for name in ("Module", "Rngs", "LSTMCell", "OptimizedLSTMCell", "RNN", "Bidirectional")
    },
    **{
        f"{home}{name}": "keras"
        for home in ("keras.", "keras.layers.", "tf_keras.", "tf_keras.layers.")
        for name in ("Model", "Sequential", "Layer")
    },
    "torch.nn.parallel.DistributedDataParallel": "torch",
    "torch.nn.parallel.DataParallel": "torch",
    "torch.utils.data.Dataset": "torch",
    "torch.utils.data.IterableDataset": "torch",
    "pytorch_lightning.LightningModule": "torch",
    "pytorch_lightning.LightningDataModule": "torch",
    "pytorch_lightning.utilities.AttributeDict": "torch",
}


@cache
def real_class(name: str) -> object:
    """The class of the standard library that one in `CODE` stands for; None if it stands for none."""
    path = next((path for path, home in HOMES.items() if home == "standard" and path.endswith(f".{name}")), "")
    module = path.rpartition(".")[0]
    return getattr(import_module(module), name, None) if module else None
