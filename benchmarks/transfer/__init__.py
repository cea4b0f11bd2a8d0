"""Which past task transfers best: what really transfers, and which measure tells it beforehand."""
