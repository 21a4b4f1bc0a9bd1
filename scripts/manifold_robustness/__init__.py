"""Manifold geometry of neural networks under noise and attacks."""
