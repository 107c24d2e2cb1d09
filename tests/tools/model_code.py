"""Random code of models of PyTorch: classes with layers, parameters and buffers, in every way that registers them."""

import random
from typing import Final

HEAD: Final = "import copy\nfrom collections import OrderedDict\nimport torch\nimport torch.nn as nn\n\n"


def model_code(seed: int) -> str:
    """A program whose variable `model` is a module with an LSTM."""
    return _Maker(seed).program()


class _Maker:
    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311  # no secret
        self.classes: list[str] = []
        self.count = 0

    def size(self) -> int:
        return self.draw.choice((2, 3, 4, 5))

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def pick(self, *items: str) -> str:
        return self.draw.choice(items)

    def given(self, **arguments: object) -> str:
        """Some of these arguments, by name."""
        return "".join(f", {name}={value}" for name, value in arguments.items() if self.draw.random() < 0.4)

    def flag(self) -> bool:
        return self.draw.random() < 0.5

    def layer(self) -> str:
        a, b, c = self.size(), self.size(), self.size()
        heads = self.draw.choice((1, 2))
        axes = self.draw.choice((1, 2, 3))
        return "nn." + self.pick(
            f"Linear({a}, {b}{self.given(bias=self.flag())})",
            f"Linear({a}, {b}, {self.flag()})",
            f"Bilinear({a}, {b}, {c})",
            f"Embedding({a}, {b}{self.given(padding_idx=0)})",
            f"EmbeddingBag({a}, {b})",
            f"Conv{axes}d({2 * a}, {2 * b}, {c}{self.given(bias=self.flag(), groups=2, stride=1)})",
            f"Conv2d({a}, {b}, ({c}, 1), 1, 0, 1, 1, {self.flag()})",
            f"ConvTranspose{axes}d({2 * a}, {2 * b}, {c}{self.given(bias=self.flag(), groups=2)})",
            f"BatchNorm{axes}d({a}{self.given(affine=self.flag(), track_running_stats=self.flag())})",
            f"BatchNorm1d({a}, 1e-5, 0.1, {self.flag()}, {self.flag()})",
            f"InstanceNorm{axes}d({a}{self.given(affine=self.flag(), track_running_stats=self.flag())})",
            f"LayerNorm({a}{self.given(elementwise_affine=self.flag(), bias=self.flag())})",
            f"LayerNorm(({a}, {b}))",
            f"LayerNorm([{a}, {b}], 1e-5, {self.flag()})",
            f"RMSNorm({a}{self.given(elementwise_affine=self.flag())})",
            f"GroupNorm(2, {2 * a}{self.given(affine=self.flag())})",
            f"PReLU({self.pick('', str(a))})",
            f"GRU({a}, {b}{self.given(num_layers=2, bidirectional=self.flag(), bias=self.flag())})",
            f"RNN({a}, {b}, {self.pick('1', '2')})",
            f"GRUCell({a}, {b}{self.given(bias=self.flag())})",
            f"LSTMCell({a}, {b})",
            f"LSTM({a}, {b}{self.given(num_layers=2, bidirectional=self.flag(), bias=self.flag(), proj_size=1)})",
            f"MultiheadAttention({2 * a}, {heads}{self.given(bias=self.flag(), kdim=b, vdim=c, add_bias_kv=self.flag())})",
            f"TransformerEncoderLayer({2 * a}, {heads}{self.given(dim_feedforward=b, bias=self.flag())})",
            f"TransformerDecoderLayer({2 * a}, {heads}, {b})",
            f"TransformerEncoder(nn.TransformerEncoderLayer({2 * a}, 1, {b}), {heads}{self.given(norm=f'nn.LayerNorm({2 * a})')})",
            f"TransformerDecoder(nn.TransformerDecoderLayer({2 * a}, 1, {b}), {heads})",
            f"ParameterList([nn.Parameter(torch.zeros({a}, {b})) for _ in range({c})])",
            f'ParameterDict({{"a": nn.Parameter(torch.ones({a})), "b": nn.Parameter(torch.randn({b}, 2))}})',
            "ReLU()",
            "Dropout(0.1)",
            "Identity()",
            "Flatten()",
            "CrossEntropyLoss()",
            "MSELoss()",
        )

    def module(self, depth: int = 0) -> str:
        """An expression that makes a module."""
        if depth > 2 or self.draw.random() < 0.55:
            return self.layer()
        if self.classes and self.draw.random() < 0.4:
            return f"{self.pick(*self.classes)}()"
        parts = [self.module(depth + 1) for _ in range(self.size() - 1)]
        listed, items = ", ".join(parts), ", ".join(f"'p{place}': {part}" for place, part in enumerate(parts))
        pairs = ", ".join(f"('p{place}', {part})" for place, part in enumerate(parts))
        return self.pick(
            f"nn.Sequential({listed})",
            f"nn.Sequential(OrderedDict([{pairs}]))",
            f"nn.ModuleList([{listed}])",
            f"nn.ModuleList([{parts[0]} for _ in range({self.size()})])",
            f"nn.ModuleDict({{{items}}})",
            f"nn.ModuleList([copy.deepcopy(m) for m in [{listed}]])",
            f"nn.ModuleList([{listed}]) + nn.ModuleList([{parts[0]}])" if len(parts) > 1 else parts[0],
        )

    def statement(self) -> list[str]:
        """Statements of an `__init__`."""
        one, two = self.name("m"), self.name("m")
        a, b = self.size(), self.size()
        made = self.module()
        choices = [
            [f"self.{one} = {made}"],
            [f"self.{one} = {made}"],
            [f"self.{one} = {made}"],
            [f"self.add_module('{one}', {made})"],
            [f"setattr(self, '{one}', {made})"],
            [f"self.{one} = self.{two} = {made}"],
            [f"{one} = {made}", f"self.{two} = nn.ModuleList([{one}, {one}, {self.layer()}])"],
            [
                f"self.{one} = nn.Linear({a}, {b})",
                f"self.{two} = nn.Embedding({b}, {a})",
                f"self.{two}.weight = self.{one}.weight",
            ],
            [f"self.{one} = nn.Parameter(torch.zeros({a}, {b}))", f"self.{two} = torch.zeros({a})"],
            [f"self.register_buffer('{one}', torch.zeros({a}, {b}), persistent={self.flag()})"],
            [
                f"self.register_parameter('{one}', nn.Parameter(torch.ones({a})))",
                f"self.register_parameter('{two}', None)",
            ],
            [f"self.register_buffer('{one}', None)", f"self.{two} = [{self.layer()}]"],
            [f"for i in range({a}):", f"    self.add_module(f'{one}_{{i}}', {made})"],
            [f"self.{one} = nn.ModuleList()", f"for _ in range({a}):", f"    self.{one}.append({made})"],
            [f"self.{one} = nn.ModuleList([{self.layer()}])", f"self.{one}.insert(0, {made})", f"del self.{one}[-1]"],
            [f"self.{one} = {made}", f"del self.{one}", f"self.{one} = {self.layer()}"],
            [f"self.{one} = {made}", f"self.{one} = None"],
            [f"self.{one} = None", f"self.{one} = {made}"],
            [f"self.{one} = {made}", f"self.{two} = copy.deepcopy(self.{one})"],
            [f"self.{one} = {made} if {a} > {b} else {self.layer()}"],
            [f"self.{one} = nn.Linear({a}, {b})", f"self.{one}.weight = nn.Parameter(torch.zeros({b}, {a}))"],
            [
                f"self.{one} = nn.Linear({a}, {b})",
                f"self.{one}.weight.data.zero_()",
                f"nn.init.zeros_(self.{one}.bias)",
            ],
            [f"self.{one}, self.{two} = {made}, {self.layer()}"],
        ]
        return self.draw.choice(choices)

    def class_(self, *, lstm: bool) -> list[str]:
        name = self.name("Net")
        base = self.pick("nn.Module", "nn.Module", "nn.Module", *self.classes)
        lines = [f"class {name}({base}):", "    def __init__(self):", "        super().__init__()"]
        body = [line for _ in range(self.size()) for line in self.statement()]
        if lstm:
            body.append(f"self.rnn = nn.LSTM({self.size()}, {self.size()}, batch_first=True)")
        self.classes.append(name)
        return [*lines, *(f"        {line}" for line in body), ""]

    def program(self) -> str:
        lines = [line for _ in range(self.size() - 2) for line in self.class_(lstm=False)]
        lines += self.class_(lstm=True)
        made = f"{self.classes[-1]}()"
        lines.append(
            f"model = {self.pick(made, made, f'nn.Sequential({made}, {self.layer()})', f'nn.DataParallel({made})')}"
        )
        lines += self.draw.choice(([], ["model.eval()"], ["params = sum(p.numel() for p in model.parameters())"]))
        return HEAD + "\n".join(lines) + "\n"
