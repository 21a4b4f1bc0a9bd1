"""One BLAS thread: sums in another order would change the last bits of a result."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

Arguments, Result = ParamSpec("Arguments"), TypeVar("Result")


def single_threaded(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run a function with one BLAS thread, so that its result doesn't depend on their number."""

    @wraps(function)
    def limited(*args, **kwargs):
        # Looked for at each call, in half a millisecond: a library may have been loaded meanwhile.
        with ThreadpoolController().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited
