"""The console in a real browser: a story from a new function to a delivery that is sent again; keyboard, width, colours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Browser, ViewportSize
from tests.console.browsing import Served, Window, chromium, serving
from tests.ingress.endpoint import Endpoint, listening

from isthmus_server.console.bundling import BUNDLES

pytestmark = pytest.mark.slow

CODE = """
async function onTrack(event, settings) {
  console.log(`to the shop: ${event.event}`)
  if (event.event === 'Broken') throw new InvalidEventPayload('no shop takes this')
  await fetch(settings.endpoint, { method: 'POST', body: JSON.stringify(event) })
  return { taken: event.event }
}
"""
NARROW = ViewportSize(width=320, height=700)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if BUNDLES.find() is None:
        pytest.skip("the console's scripts are not installed: isthmus console install")
    with serving(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with listening() as there:
        yield there


@pytest.fixture
def window(browser: Browser, served: Served) -> Iterator[Window]:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        window = Window(context, served)
        window.sign_in()
        yield window


def send(served: Served, key: str, event: str) -> None:
    body = {"userId": "u", "event": event, "messageId": f"id-{event}"}
    assert httpx.post(f"{served.url}/v1/track", json=body, auth=(key, ""), timeout=60).status_code == 200


def test_a_function_is_made_tried_deployed_and_what_it_could_not_deliver_is_sent_again(
    window: Window, served: Served, endpoint: Endpoint
) -> None:
    page = window.page
    page.get_by_role("link", name="New function").click()
    page.get_by_label("Name").fill("Shop")
    window.press("Make it")

    # Tried out before it is saved, with a setting that the form defines.
    window.write("Code", CODE)
    for remove in page.get_by_role("button", name="Remove").all()[::-1]:
        remove.click()
    if not page.get_by_role("button", name="Add a setting").is_visible():
        page.locator("summary", has_text="Settings").first.click()
    page.get_by_role("button", name="Add a setting").click()
    page.keyboard.type("endpoint")
    window.press("Save and deploy")
    page.locator("summary", has_text="Values of settings").click()
    page.locator("[name='value.endpoint']").fill(endpoint.url)
    page.get_by_label("Sample").select_option(label="track: Signed In")
    page.keyboard.press("ControlOrMeta+Enter")
    trial = page.locator("#trial")
    trial.get_by_text("Went well").wait_for()
    assert "to the shop: Signed In" in trial.inner_text()
    assert '"taken": "Signed In"' in trial.inner_text()
    assert len(endpoint.at("/")) == 1
    window.write("Event, or an array of events for a batch", '{"type": "track", "event": "Broken"}')
    page.get_by_role("button", name="Run").click()
    trial.get_by_text("no shop takes this").wait_for()

    # Put to work.
    window.go("/sources/new")
    page.get_by_label("Name").fill("website")
    window.press("Make it")
    key = page.locator(".keys code").inner_text()
    page.get_by_role("link", name="New destination").click()
    page.get_by_label("Made of").select_option(label="Shop")
    window.press("Go on to its settings")
    page.get_by_label("Name").fill("The shop")
    page.get_by_label("endpoint").fill(endpoint.url)
    window.press("Make it")

    # An event arrives, and one does not.
    send(served, key, "Fine")
    served.until(lambda: any(event["event"] == "Fine" for event in endpoint.at("/")))
    send(served, key, "Broken")
    page.get_by_role("link", name="Deliveries").click()
    window.until("id-Broken")
    page.get_by_role("link", name="id-Broken").click()
    page.get_by_text("trying again would not mend it").wait_for()
    assert "InvalidEventPayload" in page.locator("main").inner_text()

    # Mended, deployed and sent again.
    failed = page.url
    window.go("/functions")
    page.get_by_role("link", name="Shop").click()
    window.write("Code", CODE.replace("'Broken'", "'Never'"))
    window.press("Save and deploy")
    served.until(lambda: replayed(window, failed, endpoint))
    page.goto(failed)
    window.until("delivered")
    assert window.faults == []


def replayed(window: Window, failed: str, endpoint: Endpoint) -> bool:
    """Send it again; what is deployed runs a moment later, until when it fails again."""
    window.page.goto(failed)
    window.press("Send it again")
    return any(event["event"] == "Broken" for event in endpoint.at("/"))


PAGES = ("/functions", "/functions/new", "/connections", "/sources/new", "/deliveries", "/usage", "/audit")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_narrow_window_and_can_be_read_in_both_colours(
    browser: Browser, served: Served, scheme: Literal["light", "dark"]
) -> None:
    with browser.new_context(viewport=NARROW, color_scheme=scheme) as context:
        window = Window(context, served)
        window.sign_in()
        window.go("/functions/new")
        window.page.get_by_label("Name").fill("Narrow")
        window.press("Make it")
        editor = window.page.url.partition("/console")[2]
        for path in (*PAGES, editor, f"{editor.partition('?')[0]}/versions"):
            window.go(path)
            assert window.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path
            assert window.page.evaluate(FAINT) == [], path
        assert window.faults == []


# Texts whose contrast with what is behind them is below what WCAG 2.2 asks for (AA, 4.5), as [text, contrast].
FAINT = """
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = rgb(getComputedStyle(each).backgroundColor)
      if (colour[3] === 255) return colour
    }
    return [255, 255, 255]
  }
  const found = []
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].filter((each) => each.nodeType === 3).map((each) => each.data.trim()).join('')
    if (!text || !element.checkVisibility() || element.closest('svg, :disabled')) continue
    const [one, other] = [light(rgb(getComputedStyle(element).color)), light(behind(element))]
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
    if (contrast < 4.5) found.push([text.slice(0, 40), Math.round(contrast * 100) / 100])
  }
  return found
}
"""


def test_everything_is_reached_by_the_keyboard_and_seen_where_it_is(window: Window) -> None:
    page = window.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    assert page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = set()
    for _ in range(len(page.locator("a, button, input:not([type=hidden])").all()) + 2):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "[document.activeElement.textContent.trim(), getComputedStyle(document.activeElement).outlineStyle]"
        )
        if page.evaluate("document.activeElement !== document.body"):
            assert outline != "none", name
            reached.add(name)
    assert {"New function", "Sign out", "Connections", "Event Delivery"} <= reached


def test_the_editor_lets_the_keyboard_out_again(window: Window) -> None:
    page = window.page
    window.go("/functions/new")
    page.get_by_label("Name").fill("Keys")
    window.press("Make it")
    page.get_by_role("textbox", name="Code", exact=True).focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.shadowRoot === null")


def test_a_form_that_was_changed_is_not_left_without_a_question(window: Window) -> None:
    page = window.page
    window.go("/functions/new")
    page.get_by_label("Name").fill("Unsaved")
    window.press("Make it")
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.type))
    window.write("Code", "// changed")
    page.get_by_role("link", name="Usage").click()
    page.wait_for_url("**/usage")
    assert asked == ["beforeunload"]
