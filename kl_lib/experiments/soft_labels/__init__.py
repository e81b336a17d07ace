"""Is a network as unsure as people are? CIFAR-10, and about fifty human answers to each test image.

A network learns the labels of the training images, and then half of the test images as people see
them, or by their labels. The other half tells what that has changed.
"""

from .config import SoftLabels
from .data import load
from .network import build_network

__all__ = ["SoftLabels", "build_network", "load"]
