"""The whole house, run as its users run it: dvc, mlflow and taskzoo on a small real project."""
