"""One browser for all tests of the page."""

import pytest
from browser import Pages, find_browser, launch


@pytest.fixture(scope="session")
def browser():
    find_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture
def open_page(browser, tmp_path):
    pages = Pages(browser, tmp_path)
    yield pages
    pages.close()
    assert not pages.wrong, pages.wrong
