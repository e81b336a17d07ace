"""Inputs of every public function of kl_lib, each made together with what it means."""

import fuzz_categories
import fuzz_families
import fuzz_samples
import fuzz_scipy
from fuzz_arrays import Inputs

#: Inputs of each public function, and how large a part of all they are.
INPUTS: dict[str, tuple[Inputs, int]] = {
    **fuzz_categories.INPUTS,
    **fuzz_families.INPUTS,
    **fuzz_samples.INPUTS,
    **fuzz_scipy.INPUTS,
}
