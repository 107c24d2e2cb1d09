"""The earlier path of `lstmcalc.frameworks.storage`."""

from lstmcalc.frameworks.storage import *  # noqa: F403  # whatever is public there
