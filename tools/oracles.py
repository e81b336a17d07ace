"""What every public function of kl_lib has to return: the definitions, slowly, in plain Python.

An oracle takes what the arguments mean (`Given`: nested lists of numbers, with their labels) and
gives the numbers with 60 digits and unlimited exponents (`Answer`). Or it says that the input has
to be refused (`RefusedError`), or that it is too close to call (`EITHER`). No oracle sees an array,
and none uses kl_lib.
"""

import oracles_categories
import oracles_families
import oracles_samples
import oracles_scipy
import oracles_tables
from oracle_parts import Oracle

#: One oracle for each public function.
ORACLES: dict[str, Oracle] = {
    **oracles_categories.ORACLES,
    **oracles_families.ORACLES,
    **oracles_samples.ORACLES,
    **oracles_scipy.ORACLES,
    **oracles_tables.ORACLES,
}
