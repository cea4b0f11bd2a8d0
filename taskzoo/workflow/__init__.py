"""What the stages and `adapt` share: searching, packaging and comparing one task."""
