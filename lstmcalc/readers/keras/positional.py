"""The arguments of Keras' layers that can be given by position."""

from typing import Final


def _table(*rows: tuple[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(order.split()) for names, order in rows for name in names.split()}


_POOL: Final = "pool_size strides padding data_format name"
_CONV: Final = "filters kernel_size strides padding data_format dilation_rate groups activation use_bias"
# The arguments that can be given by position, in order; those behind the last that shapes depend on are left out where
# nobody gives them so.
POSITIONAL: Final = _table(
    ("Activation", "activation"),
    ("ActivityRegularization", "l1 l2"),
    ("Add Average Identity Maximum Minimum Multiply Subtract", ""),
    ("AdditiveAttention", "use_scale dropout"),
    ("Attention", "use_scale score_mode dropout seed"),
    ("AlphaDropout Dropout", "rate noise_shape seed"),
    ("GaussianDropout", "rate seed"),
    ("GaussianNoise", "stddev seed"),
    ("SpatialDropout1D", "rate seed name dtype"),
    ("SpatialDropout2D SpatialDropout3D", "rate data_format seed name dtype"),
    *((f"AveragePooling{rank}D AvgPool{rank}D MaxPool{rank}D MaxPooling{rank}D", _POOL) for rank in (1, 2, 3)),
    *(
        (
            f"GlobalAveragePooling{rank}D GlobalAvgPool{rank}D GlobalMaxPool{rank}D GlobalMaxPooling{rank}D",
            "data_format keepdims",
        )
        for rank in (1, 2, 3)
    ),
    ("BatchNormalization", "axis momentum epsilon center scale"),
    ("LayerNormalization", "axis epsilon center scale"),
    ("GroupNormalization", "groups axis epsilon center scale"),
    ("RMSNormalization", "axis epsilon"),
    ("Normalization", "axis mean variance invert"),
    ("UnitNormalization Softmax Concatenate", "axis"),
    ("CategoryEncoding", "num_tokens output_mode sparse"),
    ("Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D", _CONV),
    ("Conv1DTranspose Conv2DTranspose", "filters kernel_size strides padding output_padding data_format dilation_rate"),
    ("DepthwiseConv1D DepthwiseConv2D", "kernel_size strides padding depth_multiplier data_format dilation_rate"),
    (
        "SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D",
        "filters kernel_size strides padding data_format dilation_rate depth_multiplier",
    ),
    ("Cropping1D", "cropping"),
    ("Cropping2D Cropping3D", "cropping data_format"),
    ("Dense", "units activation use_bias"),
    ("Dot", "axes normalize"),
    ("ELU", "alpha"),
    ("LeakyReLU", "negative_slope"),
    ("ReLU", "max_value negative_slope threshold"),
    ("PReLU", "alpha_initializer alpha_regularizer alpha_constraint shared_axes"),
    ("EinsumDense", "equation output_shape activation bias_axes"),
    (
        "Embedding",
        "input_dim output_dim embeddings_initializer embeddings_regularizer embeddings_constraint mask_zero weights",
    ),
    ("Flatten", "data_format"),
    ("GRU SimpleRNN", "units activation"),
    ("GRUCell SimpleRNNCell", "units activation"),
    ("InputLayer", "shape batch_size dtype sparse ragged batch_shape"),
    ("Lambda", "function output_shape mask arguments"),
    ("Masking", "mask_value"),
    ("MultiHeadAttention", "num_heads key_dim value_dim dropout use_bias output_shape attention_axes"),
    ("Permute", "dims"),
    ("RNN", "cell return_sequences return_state go_backwards stateful unroll zero_output_for_mask"),
    ("StackedRNNCells", "cells"),
    ("RepeatVector", "n"),
    ("Rescaling", "scale offset"),
    ("Reshape", "target_shape"),
    ("TimeDistributed", "layer"),
    ("Bidirectional", "layer merge_mode weights backward_layer"),
    ("UpSampling1D", "size"),
    ("UpSampling2D", "size data_format interpolation"),
    ("ZeroPadding1D ZeroPadding2D ZeroPadding3D", "padding data_format"),
)
