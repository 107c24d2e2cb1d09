"""Random programs that construct LSTMs, what they construct, and what lstmcalc says of them."""
