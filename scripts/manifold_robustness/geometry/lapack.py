"""Two of LAPACK's functions, as SciPy wraps them: ``dposv`` and ``dpstrf``.

To import ``scipy.linalg`` takes 0.4 s, mostly for what is not used here, and most jobs of a run
take one or two seconds. The one extension module that holds the wrappers takes 0.03 s. It is
private to SciPy: where it is not found, the public module is taken, whose functions are the same.
"""

from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

NAME = "_flapack"


def load_wrappers(suffixes: list[str] = EXTENSION_SUFFIXES) -> ModuleType:
    """Return the module that has LAPACK's functions.

    >>> load_wrappers([]).__name__
    'scipy.linalg.lapack'
    """
    scipy = find_spec("scipy")
    for suffix in suffixes if scipy else ():
        path = Path(scipy.origin).with_name("linalg") / (NAME + suffix)
        if path.is_file():
            spec = spec_from_file_location(NAME, path, loader=ExtensionFileLoader(NAME, str(path)))
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    from scipy.linalg import lapack

    return lapack


# Loaded here and not at the first use: :mod:`.threads` limits what is there when a function begins.
WRAPPERS = load_wrappers()
dposv, dpstrf = WRAPPERS.dposv, WRAPPERS.dpstrf
