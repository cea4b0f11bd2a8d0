"""Search for decoders of dense targets, narrowed and not."""
