"""A page of another origin reads nothing, changes nothing and frames nothing, in a real browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_reader import ask, open_file
from tests.browser.serving import Server

MARKER = "a comment that nobody else may read"
HOSTS = ("127.0.0.1", "localhost", "x.localhost", "localhost.")
# What another page may try; every entry of the result says what became of one try.
ATTACK = """<!doctype html><title>evil</title><body><script>
const PORT = %d, HOSTS = %s, results = {};
async function attempt(name, work) {
  try { results[name] = "READ " + String(await work()); } catch (error) { results[name] = "blocked"; }
}
function loaded(tag, attributes) {
  return new Promise((resolve, reject) => {
    const item = Object.assign(document.createElement(tag), attributes);
    item.onload = () => resolve("loaded");
    item.onerror = () => reject(new Error("no"));
    document.body.append(item);
    setTimeout(() => reject(new Error("late")), 3000);
  });
}
async function run() {
  for (const host of HOSTS) {
    const at = `http://${host}:${PORT}`;
    const text = async (path, options) => (await fetch(at + path, options)).text();
    await attempt(host + " page", () => text("/"));
    await attempt(host + " token", () => text("/api/window", { method: "POST" }));
    await attempt(host + " export", () => text("/api/export", { method: "POST", body: '{"kind":"json"}' }));
    const headers = { "content-type": "application/json", "x-patch-clip-window": "a.b" };
    await attempt(host + " header", () => text("/api/export", { method: "POST", headers, body: "{}" }));
    const asMe = { method: "POST", credentials: "include" };
    await attempt(host + " with cookies", () => text("/api/window", asMe));
    await attempt(host + " script", () => loaded("script", { src: at + "/page/main.js" }));
    await attempt(host + " module", () => import(at + "/page/server.js"));
    await attempt(host + " style", () => loaded("link", { rel: "stylesheet", href: at + "/page/style.css" }));
    await attempt(host + " image", () => loaded("img", { src: at + "/favicon.ico" }));
    const call = { method: "POST", body: "{}" };
    await attempt(host + " gradio", () => text("/gradio_api/component_server", call));
    await attempt(host + " socket", () => new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://${host}:${PORT}/api/window`);
      socket.onopen = () => resolve("open");
      socket.onerror = () => reject(new Error("no"));
    }));
    await attempt(host + " events", () => new Promise((resolve, reject) => {
      const source = new EventSource(at + "/api/window");
      source.onopen = () => resolve("open");
      source.onerror = () => { source.close(); reject(new Error("no")); };
    }));
    await fetch(at + "/api/open_example", {
      method: "POST", mode: "no-cors", body: '{"name": "nih_normal.jpg"}' }).catch(() => null);
  }
  document.title = "done";
  document.body.textContent = JSON.stringify(results);
}
run();
</script>"""


@pytest.fixture
def evil(server: Server, tmp_path: Path) -> Iterator[str]:
    """Another origin on this machine, at whose root the attack lies."""
    (tmp_path / "index.html").write_text(ATTACK % (server.port, json.dumps(HOSTS)), encoding="utf-8")
    (tmp_path / "frame.html").write_text(f'<iframe src="{server.url}"></iframe>', encoding="utf-8")
    handler = partial(_Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        yield f"http://evil.localhost:{other.server_address[1]}/"
        other.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


def save_marked(page: Page, dicom: Path) -> None:
    """A reading with the marker in it."""
    open_file(page, dicom)
    ask(page, "mass")
    page.locator('[data-presence="present"]').click()
    page.locator("#pc-comment").fill(MARKER)
    page.locator("#pc-reader").fill("R")
    page.locator("#pc-save").click()
    expect(page.locator("#pc-saved")).to_contain_text("saved, ")


def test_another_origin_reads_nothing_and_closes_no_study(
    opened: Page, dicom: Path, server: Server, evil: str, requests: list[str]
) -> None:
    save_marked(opened, dicom)
    attacker = opened.context.new_page()
    attacker.goto(evil)
    for _ in range(150):
        if attacker.title() == "done":
            break
        attacker.wait_for_timeout(200)
    results = json.loads(attacker.locator("body").inner_text())
    assert len(results) == 12 * len(HOSTS)
    assert {name: result for name, result in results.items() if result != "blocked"} == {}
    attacker.close()
    # The same requests are answered to the page itself: it is the guard that blocks them, not a fault.
    with opened.expect_download() as exported:
        opened.locator("#pc-history").click()
        opened.locator("#pc-json").click()
    assert MARKER in exported.value.path().read_text(encoding="utf-8")
    opened.keyboard.press("Escape")
    ask(opened, "nodule")
    expect(opened.locator("#pc-answers li")).to_have_count(2)
    requests[:] = [url for url in requests if url.startswith("http://127.0.0.1:")]


def test_nobody_frames_the_page(page: Page, evil: str, server: Server) -> None:
    page.goto(evil + "frame.html")
    page.wait_for_timeout(1500)
    inside = [frame for frame in page.frames if frame.url.startswith(server.url)]
    assert [frame.locator("#pc").count() for frame in inside] in ([], [0])


@pytest.mark.parametrize("host", ["evil.localhost", "x.localhost", "localhost."])
def test_a_name_that_leads_here_but_is_not_ours_shows_nothing(page: Page, server: Server, host: str) -> None:
    reply = page.goto(f"http://{host}:{server.port}/")
    assert reply is not None
    assert reply.status == 403
    assert "--allowed-hosts" in page.locator("body").inner_text()


def test_a_name_given_by_the_deployer_is_answered(page: Page, tmp_path: Path) -> None:
    from tests.browser.serving import free_port

    given = {"PATCHCLIP_ALLOWED_HOSTS": "reading.localhost"}
    with Server(tmp_path / "feedback.sqlite3", free_port(), given) as server:
        page.goto(f"http://reading.localhost:{server.port}/")
        page.wait_for_selector('#pc[data-ready="true"]', timeout=30_000)
        expect(page.locator("#pc-model")).to_contain_text("model ")


def test_the_page_breaks_no_rule_of_its_policy(page: Page, server: Server, dicom: Path) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    server.visit(page)
    open_file(page, dicom)
    ask(page, "mass")
    page.locator('[data-view="compare"]').click()
    expect(page.locator("#pc-tag-right")).to_contain_text("no probability")
    with page.expect_download():
        page.locator("#pc-history").click()
        page.locator("#pc-everybody").check()
        page.locator("#pc-csv").click()
    assert said == []
