"""Classes of Keras: layers and models.

Code that is interpreted, and never run by Python: what begins with `_` in a call is a primitive (`libraries`).

Not here: which class has which name in a library (`table`).
"""

from typing import Final

KERAS: Final = """
class Layer:
    def __init__(self, *args, **kwargs):
        if 'name' in kwargs:
            self.name = kwargs['name']
    def __call__(self, *args, **kwargs):
        return _call_layer_with(self, args, kwargs)
    @classmethod
    def from_config(cls, config, *args, **kwargs):
        return _of_config(cls, config)
    def get_config(self):
        return _config(self)
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
            _build(self, input_shape)
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
