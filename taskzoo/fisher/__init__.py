"""The diagonal of the Fisher information, and what every source's network shows of every target."""
