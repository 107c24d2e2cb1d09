"""The earlier path of `lstmcalc.frameworks.storage`."""

from lstmcalc.frameworks.array_names import NAME_WORDS, PATTERN_WORDS  # noqa: F401  # as below
from lstmcalc.frameworks.storage import *  # noqa: F403  # whatever is public there
