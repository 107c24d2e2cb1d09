"""The parts of a name as code has it: `cfg.model.hidden`, `config["model"]["hidden"]`, `getattr(args, "hidden")`."""

import ast


def parts_of(name: str) -> list[str]:
    """The parts of a name in code, `["cfg", "model", "hidden"]`; none if it is something else."""
    try:
        node: ast.AST = ast.parse(name, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    parts: list[str] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            parts.append(str(node.slice.value))
            node = node.value
        elif isinstance(node, ast.Call) and (key := _key_of_call(node)) is not None:
            parts.append(key[1])
            node = key[0]
        else:
            return []
    return [node.id, *parts[-1::-1]]


def _key_of_call(node: ast.Call) -> tuple[ast.expr, str] | None:
    """The thing and the key of `cfg.get("hidden")` or `getattr(cfg, "hidden")`; None for other calls."""
    function, texts = node.func, [item.value if isinstance(item, ast.Constant) else None for item in node.args[:2]]
    if isinstance(function, ast.Attribute) and function.attr == "get" and texts and isinstance(texts[0], str):
        return function.value, texts[0]
    if isinstance(function, ast.Name) and function.id == "getattr" and len(texts) > 1 and isinstance(texts[1], str):
        return node.args[0], texts[1]
    return None
