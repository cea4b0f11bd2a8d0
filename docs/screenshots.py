"""Pictures for the documentation: the registry in the MLflow UI and the headline figures of a run.

Run it after ``make repro``: ``python docs/screenshots.py [--store mlflow.db] [--report report]``.
"""

import argparse
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taskzoo.errors import InputError
from taskzoo.files import write_bytes

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HEADLINES = ("distances-fisher_kernel.png", "recommendations.png", "comparison.png", "search.png")
# What a browser remembers of a user who chose the UI's model training view and closed its announcement and
# its assistant pane, which would cover the page.
REMEMBERED = {
    "_mlflow_model_registry_promo_modal_dismissed_v1": "true",
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
    "mlflow.assistant.panelOpen_v1": "false",
    "mlflow.workflowType_v1": '"machine_learning"',
}
START_SECONDS = 90
# The page's own clock, which jumps ahead while nothing loads: enough for the UI's scripts and queries.
PAGE_MILLISECONDS = 20_000


def main() -> int:
    """Return the exit status after taking the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=ROOT / "mlflow.db", help="sqlite file of a run")
    parser.add_argument("--report", type=Path, default=ROOT / "report", help="folder of the report stage")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", help="folder for the pictures")
    arguments = parser.parse_args()
    try:
        browser = find_browser()
        copy_figures(arguments.report, arguments.out)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            address = ("127.0.0.1", free_port())
            command = browser_command(browser, Path(folder))
            remember(command, address)
            with mlflow_server(arguments.store, address):
                url = f"http://{address[0]}:{address[1]}/#/models"
                photograph(command, url, arguments.out / "registry.png")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def find_browser() -> str:
    """Return the first Chromium on PATH.

    Returns:
        Its path.

    Raises:
        InputError: If there is none.
    """
    for name in BROWSERS:
        path = shutil.which(name)
        if path:
            return path
    raise InputError(f"no browser was found on PATH; expected one of {', '.join(BROWSERS)}; install Chromium.")


def copy_figures(report: Path, out: Path) -> None:
    """Copy the headline figures.

    Args:
        report: Folder that the report stage wrote.
        out: Folder for the pictures.

    Raises:
        InputError: If one is missing.
    """
    missing = [name for name in HEADLINES if not (report / name).is_file()]
    if missing:
        raise InputError(f"{report} lacks {', '.join(missing)}; expected the report of a run; run `dvc repro` first.")
    for name in HEADLINES:
        write_bytes(out / name, (report / name).read_bytes())


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def browser_command(browser: str, profile: Path) -> list[str]:
    """Return how to start the browser without a window; options and a URL may follow."""
    return [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--window-size=1600,1000",
        f"--user-data-dir={profile}",
        f"--virtual-time-budget={PAGE_MILLISECONDS}",
    ]


class _Notes(http.server.BaseHTTPRequestHandler):
    """A page that makes the browser remember REMEMBERED for this address."""

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        """Send the page."""
        lines = [f"localStorage.setItem({json.dumps(k)}, {json.dumps(v)});" for k, v in REMEMBERED.items()]
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<script>{''.join(lines)}</script>".encode())


def remember(command: list[str], address: tuple[str, int]) -> None:
    """Put REMEMBERED into the profile before the UI is served at the same address."""
    with http.server.ThreadingHTTPServer(address, _Notes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://{address[0]}:{address[1]}/"
        subprocess.run([*command, "--dump-dom", url], capture_output=True, timeout=180, check=False)
        server.shutdown()


@contextmanager
def mlflow_server(store: Path, address: tuple[str, int]) -> Iterator[None]:
    """Serve a store while the block runs.

    Args:
        store: sqlite file.
        address: Host and port.

    Yields:
        Nothing, once the server answers.

    Raises:
        InputError: If there is no such file or no server comes up.
    """
    if not store.is_file():
        raise InputError(f"{store} does not exist; expected the MLflow store of a run; run `dvc repro` first.")
    command = [sys.executable, "-m", "mlflow", "server", "--host", address[0]]
    command += [
        "--port",
        str(address[1]),
        "--workers",
        "1",
        "--backend-store-uri",
        f"sqlite:///{store.resolve()}",
    ]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "server.log").open("w+b") as log:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if not _answers(server, address):
                log.seek(0)
                last = log.read().decode(errors="replace").strip().splitlines()[-1:]
                raise InputError(
                    f"`mlflow server` over {store} did not answer in {START_SECONDS} s "
                    f"({''.join(last)[:200]}); expected a store of this MLflow version; run it by hand."
                )
            yield
        finally:
            # The server starts workers of its own: end the whole group.
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=20)


def _answers(server: "subprocess.Popen[bytes]", address: tuple[str, int]) -> bool:
    """Return whether the server is healthy, waiting until it is, has ended or took too long."""
    url = f"http://{address[0]}:{address[1]}/health"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.3)
    return False


def photograph(command: list[str], url: str, picture: Path) -> None:
    """Save what a page shows.

    Args:
        command: Of ``browser_command``.
        url: Page.
        picture: PNG to write.

    Raises:
        InputError: If the browser fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        arguments = [*command, f"--screenshot={shot}", url]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=180, check=False)
        if done.returncode or not shot.is_file():
            last = "".join(done.stderr.strip().splitlines()[-1:])[:200]
            raise InputError(f"{command[0]} took no picture of {url} ({last}); expected a PNG; run it by hand.")
        write_bytes(picture, shot.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
