"""Which packages are there; by itself, since some processes must not load torch."""

from importlib.metadata import PackageNotFoundError, version


def installed(name: str) -> str:
    """Return a package's version, or that it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
