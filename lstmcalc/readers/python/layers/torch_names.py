"""Attributes that modules of PyTorch have, and that no class here writes down: of those nothing is known.

Not here: the classes (`library_classes.torch`).
"""

from typing import Final

# As `dir` lists them (torch 2.13.0), with `ipu` and `dump_patches` of older ones, and what most layers keep.
_OF_MODULES: Final = """
    T_destination _apply _backward_hooks _backward_pre_hooks _buffers _call_impl _compiled_call_impl _forward_hooks
    _forward_hooks_always_called _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs
    _get_backward_hooks _get_backward_pre_hooks _get_name _is_full_backward_hook _load_from_state_dict
    _load_state_dict_post_hooks _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _named_members
    _non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook _register_state_dict_hook
    _replicate_for_data_parallel _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks _version
    _wrapped_call_impl buffers call_super_init dump_patches extra_repr get_buffer get_extra_state get_parameter ipu
    load_state_dict mtia named_buffers named_parameters parameters register_backward_hook register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_state_dict_post_hook
    register_state_dict_pre_hook set_extra_state set_submodule state_dict to_empty xpu
    weight bias device dtype
"""
_OF_RECURRENT: Final = """
    _all_weights _flat_weight_refs _flat_weights _flat_weights_names _init_flat_weights _update_flat_weights
    _weights_have_changed all_weights check_forward_args check_hidden_size check_input
    get_expected_cell_size get_expected_hidden_size mode nonlinearity permute_hidden proj_size bias_hh bias_ih
"""
MODULE_HAS: Final = frozenset(_OF_MODULES.split())
RECURRENT_HAS: Final = frozenset(_OF_RECURRENT.split())
