"""The registry: one package folder per task, and MLflow, where packages are registered, found and served.

MLflow reads its settings from the environment, so they are set here, before any module of this package
imports it.
"""

import os

# No pickle is loaded, whatever the user's shell says.
os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
# A value over a limit is refused, not cut short.
os.environ["MLFLOW_TRUNCATE_LONG_VALUES"] = "false"
# Offline works: MLflow asks nobody, and a server that is away is reported within seconds.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
# Its progress bars and notices would drown ours.
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
