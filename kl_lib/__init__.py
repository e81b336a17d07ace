"""Kullback-Leibler divergence: the right number, the reason, and proof."""
