"""Log every package as an MLflow model: receipts/<task>.json."""

from pathlib import Path

from taskzoo.entry import stage
from taskzoo.files import new_folder, write_json
from taskzoo.params import load_params
from taskzoo.registry.store import Registry
from taskzoo.workflow.workspace import PACKAGES, RECEIPTS, TARGETS


def register() -> None:
    """Register what is new, adapted targets too; what is there is found again, so this rebuilds a lost store."""
    registry = Registry(None, Path())
    with new_folder(RECEIPTS) as folder:
        for name in load_params().tasks:
            receipt = registry.register(PACKAGES / name)
            write_json(folder / f"{name}.json", receipt.model_dump(mode="json"))
            print(f"{name}: registered, package {receipt.package_digest[:12]}")
    for adapted in sorted(TARGETS.glob("*/package")):
        registry.register(adapted)


if __name__ == "__main__":
    stage(register)
