"""Classes of PyTorch and Lightning: modules, what holds them, and the LSTMs.

Code that is interpreted, and never run by Python: what begins with `_` in a call is a primitive (`libraries`).

Not here: which class has which name in a library (`table`).
"""

from typing import Final

TORCH: Final = """
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
        for m in _children_to_train(self):
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
    def state_dict(self, *args, **kwargs):
        return _state()
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
    forward = _relative_call()

class RNN(RNNBase):
    __init__ = _relative('torch.nn.RNN')
    forward = _relative_call()

class GRUCell(RNNBase):
    __init__ = _relative('torch.nn.GRUCell')
    forward = _relative_call()

class RNNCell(RNNBase):
    __init__ = _relative('torch.nn.RNNCell')
    forward = _relative_call()

class DataParallel(Module):
    def __init__(self, module, *args, **kwargs):
        super().__init__()
        self.module = module
    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

class DistributedDataParallel(DataParallel):
    pass

class AveragedModel(DataParallel):
    def __init__(self, model, *args, **kwargs):
        super().__init__(_deepcopy(model))
    def update_parameters(self, model):
        return None

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
