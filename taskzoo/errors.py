"""The one exception that users are meant to read."""


class InputError(Exception):
    """Bad input, told in one sentence.

    The sentence names the file or field, what was found, what was expected and what to do. Entry points print
    it alone, without a traceback, and exit with status 2.
    """
