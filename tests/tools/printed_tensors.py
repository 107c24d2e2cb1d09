"""Tensors, and how PyTorch 2.13.0 prints them."""

from typing import Any

import numpy as np

PRINTED: list[tuple[Any, str]] = [
    (np.float32(0.5), "tensor(0.5000)"),
    (np.zeros(0, np.float32), "tensor([])"),
    (np.zeros((2, 0), np.float16), "tensor([], size=(2, 0), dtype=torch.float16)"),
    (np.zeros((0,), np.int64), "tensor([], dtype=torch.int64)"),
    (np.array([0.0, 0.0], np.float32), "tensor([0., 0.])"),
    (np.array([1.0, -20.0], np.float64), "tensor([  1., -20.], dtype=torch.float64)"),
    (np.array([0.25, -1.0, 3.14159], np.float32), "tensor([ 0.2500, -1.0000,  3.1416])"),
    (np.array([1e-5, 1.0], np.float32), "tensor([1.0000e-05, 1.0000e+00])"),
    (np.array([[1, -20], [300, 4]], np.int64), "tensor([[  1, -20],\n        [300,   4]])"),
    (np.array([np.nan, 0.5, -np.inf], np.float32), "tensor([   nan, 0.5000,   -inf])"),
    (np.full((1, 2, 1), 0.5, np.float32), "tensor([[[0.5000],\n         [0.5000]]])"),
    (np.full((2, 1, 1), 0.5, np.float32), "tensor([[[0.5000]],\n\n        [[0.5000]]])"),
    (np.arange(1001, dtype=np.int64), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    (
        np.full((8, 130), 0.5, np.float32),
        (
            "tensor([[0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],\n"
            "        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],\n"
            "        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],\n"
            "        ...,\n"
            "        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],\n"
            "        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],\n"
            "        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000]])"
        ),
    ),
    (
        np.full(12, 0.5, np.float64),
        (
            "tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000,\n"
            "        0.5000, 0.5000, 0.5000], dtype=torch.float64)"
        ),
    ),
    (
        np.full(9, 0.5, np.float64),
        "tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000],\n       dtype=torch.float64)",
    ),
]
