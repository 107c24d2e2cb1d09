"""Constants of graphs, and LSTMs that a graph computes of products, sums and functions, for every reader of graphs."""
