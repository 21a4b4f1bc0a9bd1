"""One tree of exceptions: a message names the requirement, what came, where, and what to do."""


class ManifoldRobustnessError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigurationError(ManifoldRobustnessError, ValueError):
    """A setting is missing, misspelt, out of range, or contradicts another."""


class DataError(ManifoldRobustnessError, ValueError):
    """Images, labels or activations are missing or not what a stage requires."""


class NetworkError(ManifoldRobustnessError, ValueError):
    """A network can't be built, its weights don't fit, or it was not trained well enough."""


class StoreError(ManifoldRobustnessError, OSError):
    """A file is missing, truncated, corrupt, of another schema, or could not be written."""


class ResourceError(ManifoldRobustnessError, MemoryError):
    """A setting asks for more memory or disk than there is."""


class GeometryError(ManifoldRobustnessError, ValueError):
    """Points, probes or settings for which the manifold geometry is not defined."""


class SolverError(ManifoldRobustnessError, ArithmeticError):
    """A program was not solved to its tolerance."""


class VerificationError(ManifoldRobustnessError, AssertionError):
    """An invariant of the finished results is broken."""
