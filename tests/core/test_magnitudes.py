"""Products of values that are no numbers are refused; those that are, however large, are not."""

import numpy as np
import pytest

from skamem.core.magnitudes import check_products, power_of_two


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("power", [1, 2, 3])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_products_beyond_the_type_are_refused(dtype, power, sign):
    limits = np.finfo(dtype)
    for size, is_good in ((limits.max, False), (limits.smallest_normal, False), (1e-6 * limits.max, True), (1.0, True)):
        X = np.asarray([[0.0, sign * float(size) ** (1.0 / power)]], dtype)
        if is_good:
            check_products([X] * power, owner="Memory", made="their products")
        else:
            with pytest.raises(ValueError, match=f"Memory found .*: their products are no numbers of {dtype}.* Scale"):
                check_products([X] * power, owner="Memory", made="their products")


def test_magnitudes_that_make_up_for_each_other_are_good():
    large, small = np.full((2, 2), 1e200), np.full((2, 2), 1e-150)
    check_products([large, small], owner="Memory", made="their products")
    check_products([large, 0.0 * large], owner="Memory", made="their products")  # nothing is lost


@pytest.mark.parametrize("value", [1e-310, 1e-150, 0.3, 1.0, -5.0, 1e300])
def test_powers_of_two_are_magnitudes(place, value):
    unit = power_of_two(place.put(np.asarray([0.0, value])))
    assert unit == power_of_two(value) == 2.0 ** np.floor(np.log2(abs(value)))
