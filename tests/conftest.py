"""Settings of all tests."""

import os

# Nothing is looked up on a hub; set before huggingface_hub reads it.
os.environ["HF_HUB_OFFLINE"] = "1"
