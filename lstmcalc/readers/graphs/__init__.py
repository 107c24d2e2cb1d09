"""What readers of graphs have in common: constants, and LSTMs that a graph computes of products, sums and functions."""
