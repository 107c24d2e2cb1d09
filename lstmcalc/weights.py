"""The earlier path of `lstmcalc.numerics.convert`."""

from lstmcalc.numerics.convert import *  # noqa: F403  # whatever is public there
