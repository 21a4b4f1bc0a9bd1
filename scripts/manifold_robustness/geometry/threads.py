"""One BLAS thread: sums in another order would change the last bits of a result."""

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

Arguments, Result = ParamSpec("Arguments"), TypeVar("Result")


@cache
def _controller():
    return ThreadpoolController()


def single_threaded(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run a function with one BLAS thread, so that its result doesn't depend on their number."""

    @wraps(function)
    def limited(*args, **kwargs):
        with _controller().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited
