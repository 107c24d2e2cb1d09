"""The JSON of a command, read for a test."""

import json
from typing import Any

import pytest

from tools.shell import Ran

HEAD = ["name", "framework", "kind", "certain", "text", "config", "provenance", "source"]


def document(ran: Ran) -> dict[str, Any]:
    assert (ran.code, ran.err) == (0, "")
    tree = json.loads(ran.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert isinstance(tree, dict)
    return tree


def module(ran: Ran) -> dict[str, Any]:
    (found,) = document(ran)["modules"]
    assert isinstance(found, dict)
    return found


def module_of(ran: Ran) -> dict[str, Any]:
    """The module of a report that may have notes on stderr."""
    (found,) = json.loads(ran.out)["modules"]
    assert isinstance(found, dict)
    return found
