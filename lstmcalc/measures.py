"""The earlier path of `lstmcalc.costs.measures`."""

from lstmcalc.costs.measures import *  # noqa: F403  # whatever is public there
