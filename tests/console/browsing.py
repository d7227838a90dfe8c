"""A real browser over a real service: Debian's Chromium, driven by Playwright, and ``isthmus serve`` in a process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PATIENCE = 60.0
"""Seconds that a service or a page may take on a machine that has others to serve."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; the test is skipped where it is not there."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        arguments = ["--disable-dev-shm-usage"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # which root has none of
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@final
class Served:
    """A service over a new store.

    Attributes:
        url: of it.
        token: its owner's.
    """

    def __init__(self, process: subprocess.Popen[bytes], directory: Path) -> None:
        self._process = process
        self._log = directory / "err.txt"
        assert process.stdout is not None
        said = ""
        while "console:" not in said:
            line = process.stdout.readline().decode()
            assert line, self._log.read_text()
            said += line
        (self.url,) = re.findall(r"events and webhooks: (\S+)", said)
        self.token = (directory / "data" / "owner.token").read_text().strip()

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for what it does."""
        ends = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < ends, self._log.read_text()
            assert self._process.poll() is None, self._log.read_text()
            time.sleep(0.05)


@contextmanager
def serving(directory: Path) -> Iterator[Served]:
    """Serve a new store on a port that is free, and kill it in the end."""
    command = [sys.executable, "-m", "isthmus", "serve", "--data", "data", "--allow-private"]
    command += ["--bind", "127.0.0.1:0", "--operations", "none"]
    with (
        (directory / "err.txt").open("wb") as err,
        subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=err) as process,
    ):
        try:
            yield Served(process, directory)
        finally:
            process.kill()


@final
class Window:
    """A window of the browser, signed in.

    Attributes:
        page: what it shows.
        faults: what the browser has complained about.
    """

    def __init__(self, context: BrowserContext, served: Served) -> None:
        self._served = served
        self._root = f"{served.url}/console"
        self.faults: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on(
            "console", lambda message: self.faults.append(message.text) if message.type == "error" else None
        )
        self.page.on("dialog", lambda dialog: dialog.accept())

    def sign_in(self) -> None:
        """Present the owner's token."""
        self.go("/")
        self.page.get_by_label("Token of the API").fill(self._served.token)
        self.page.get_by_role("button", name="Sign in").press("Enter")
        self.page.wait_for_url("**/console/functions")

    def go(self, path: str) -> None:
        """To a page of the console."""
        self.page.goto(f"{self._root}{path}")

    def write(self, label: str, text: str) -> None:
        """Put a text into an editor, in place of what is in there, as hands do."""
        self.page.get_by_role("textbox", name=label, exact=True).click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)

    def press(self, name: str) -> None:
        """Press a button, and wait for the page that comes after it."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).click()

    def until(self, text: str) -> None:
        """Load the page anew until it has a text: what it shows is written down a little later."""
        ends = time.monotonic() + PATIENCE
        while text not in self.page.locator("main").inner_text():
            assert time.monotonic() < ends, self.page.locator("main").inner_text()
            self.page.wait_for_timeout(200)
            self.page.reload()
