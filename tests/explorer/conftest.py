"""One browser for all tests of the page, and the bank that most of them show."""

import pytest
from browser import Pages, find_browser, launch

import bloodbank as bb
from bloodbank.explorer.content import page_data


@pytest.fixture(scope="session")
def bank():
    return bb.load_bank("help-books")


@pytest.fixture(scope="session")
def content(bank):
    return page_data(bank)


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
