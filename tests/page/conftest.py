"""The page in Chromium, drawn from the committed records: skipped where there is no browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repro.reporting import report

CHECKOUT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --force-device-scale-factor=1"
)

Open = Callable[..., None]


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as today's templates make it of the committed records."""
    folder = tmp_path_factory.mktemp("page")
    results = folder / "results"
    shutil.copytree(CHECKOUT / "results", results, ignore=shutil.ignore_patterns("runs", "index.html"))
    (results / "runs").symlink_to(CHECKOUT / "results" / "runs")
    (folder / "docs").symlink_to(CHECKOUT / "docs")
    data = Path(os.environ.get("REPRO_DATA", CHECKOUT / ".data"))
    report.render(results, data, only=[])  # the page, and no figure anew
    return results / "index.html"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """Chromium, with a profile of its own."""
    if not (os.environ.get("REPRO_PAGE") or os.environ.get("REPRO_STRESS") == "1"):
        pytest.skip("starts a browser: run by `make test-page`")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture
def visit(browser, page: Path) -> Open:
    """Load the page with a query and a fragment, in a window of some width."""

    def load(after: str = "", width: int = 1366) -> None:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get("about:blank")  # else another fragment alone would not load the page anew
        browser.get(page.as_uri() + after)

    return load
