"""The experiment of the Keras article: one ConvNet, trained with KL and with cross-entropy."""

from .config import Config, cifar10, config_from_dict, digits
from .data import Data, load_data
from .grid import grid
from .network import convnet
from .training import Epoch, Result, train

__all__ = [
    "Config",
    "Data",
    "Epoch",
    "Result",
    "cifar10",
    "config_from_dict",
    "convnet",
    "digits",
    "grid",
    "load_data",
    "train",
]
