"""A real browser for the tests of the page: offline, and any error or request of the page fails the test.

def test_something(open_page):
    page = open_page(data, "panel=matrix", size=(1280, 900))
    assert page.evaluate("bloodbank.state.get().panel") == "matrix"
"""

import contextlib
import os
import shutil
import time
from unittest import mock

import numpy as np
import pytest

from bloodbank.explorer import page as page_module

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def find_browser():
    """Path of an installed Chromium; without one the test is skipped, or fails where BLOODBANK_BROWSER=required."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        reason = f"no browser: none of {', '.join(NAMES)} is installed (Debian: apt-get install chromium)"
        if os.environ.get("BLOODBANK_BROWSER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def launch(playwright):
    """Start the browser."""
    return playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)


class Pages:
    """Opens pages, and remembers what went wrong in them."""

    def __init__(self, browser, folder):
        self.browser, self.folder, self.contexts, self.wrong = browser, folder, [], []

    def __call__(self, data, address="", *, size=(1280, 900), scheme="light", drawing=True):
        """Open the page of a `PageData` (or a file of HTML), and wait until it is drawn.

        Without `drawing` it has no drawing library: opened five times as fast, for tests that ask for no drawing.
        """
        path = data
        if not hasattr(data, "exists"):
            path = self.folder / f"page-{len(self.contexts)}.html"
            library = contextlib.nullcontext() if drawing else mock.patch.object(page_module, "plotly_script", str)
            with library:
                path.write_text(page_module.page_html(data), encoding="utf-8")
        context = self.browser.new_context(
            offline=True, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, accept_downloads=True
        )
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: message.type == "error" and self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", self._request)
        page.goto(f"{path.as_uri()}{f'#{address}' if address else ''}")
        wait_until(page, "document.documentElement.dataset.ready === '1'")
        return page

    def _request(self, request):
        if not request.url.startswith(("file:", "data:", "blob:")) or request.url.endswith("favicon.ico"):
            self.wrong.append(f"request for {request.url}")

    def close(self):
        """Close all pages."""
        for context in self.contexts:
            context.close()


def wait_until(page, expression, seconds=30):
    """Wait until an expression is true; playwright's own way evaluates strings, which the page's policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not after {seconds} s: {expression}"
        time.sleep(0.01)


def settle(page, action):
    """Do something that changes the state, and wait for the drawing that follows."""
    before = int(page.evaluate("Number(document.documentElement.dataset.drawn)"))
    result = action()
    wait_until(page, f"Number(document.documentElement.dataset.drawn) > {before}")
    return result


def set_state(page, **state):
    """Change the state as the page's own controls do."""
    settle(page, lambda: page.evaluate("(state) => bloodbank.state.set(state)", state))


def chart(page, frame="panel"):
    """Data and layout of the drawing in a frame, as plotly has them."""
    found = page.evaluate(
        "(frame) => { const c = document.querySelector(`#frame-${frame} .chart`); return [c.data, c.layout] }", frame
    )
    return found[0], found[1]


def cells(page, matrix="bloodbank.model.current().finetune"):
    """The cells of a heatmap on the screen, [row, column], by how they are coloured.

    matrix: where the page has the numbers; those beyond the limit of the scale are cut at it.
    """
    (heatmap,) = [trace for trace in chart(page)[0] if trace["type"] == "heatmap"]
    z = np.array(heatmap["z"], dtype=float)
    limit = page.evaluate(f"bloodbank.colours.range({matrix})")
    for first, stretch in ((0, "diverging(false)"), (0.45, "diverging(false, 0.45)")):
        for stop, colour in page.evaluate(f"bloodbank.colours.{stretch}"):
            assert [pytest.approx(first + 0.4 * stop), colour] in heatmap["colorscale"]
    return {
        "sure": np.where(z <= 0.4, (2 * z / 0.4 - 1) * limit, np.nan),
        "unsure": np.where((z >= 0.45) & (z <= 0.85), (2 * (z - 0.45) / 0.4 - 1) * limit, np.nan),
        "own": z == 0.9,
        "missing": z == 1.0,
        "limit": limit,
    }
