"""Data sets, the network, its training and its activations (torch)."""
