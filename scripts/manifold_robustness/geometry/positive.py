"""Systems of a symmetric positive definite matrix, by its Cholesky factor.

LAPACK comes from CVXOPT here: to import that takes 0.02 s, SciPy's 0.4 s, and most jobs of a run
take one or two seconds.
"""

import numpy as np


def solve_positive(system: np.ndarray, right: np.ndarray, least: float = 0.0) -> np.ndarray | None:
    """Return the x of A x = b; None where A = L L' is not positive definite.

    Parameters
    ----------
    system : (n, n)
    right : (n,) or (n, k)
    least
        No diagonal element of L may be below it either: for a Gram matrix, the distance of each
        point from the span of those before it.

    Examples
    --------
    >>> solve_positive(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([1.0, 1.0]))
    array([0.5 , 0.25])
    >>> solve_positive(np.ones((2, 2)), np.ones(2)) is None
    True
    """
    from cvxopt import lapack, matrix

    factor, found = matrix(system), matrix(right)
    try:
        lapack.posv(factor, found)
    except ArithmeticError:
        return None
    if np.asarray(factor).diagonal().min() < least:
        return None
    return np.array(found).reshape(right.shape)
