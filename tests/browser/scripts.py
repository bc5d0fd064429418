"""The page's scripts without a server: modules from disk in an empty page of their own."""

from __future__ import annotations

from playwright.sync_api import Page, Route

from app.ui import PAGE

ORIGIN = "http://page.test/"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}


def _serve(route: Route) -> None:
    name = route.request.url.removeprefix(ORIGIN)
    if not name:
        route.fulfill(body="<!doctype html><title>scripts</title>", content_type="text/html")
    else:
        path = PAGE / name
        if path.is_file():
            route.fulfill(body=path.read_text(encoding="utf-8"), content_type=TYPES[path.suffix])
        else:
            route.fulfill(status=404)


def empty_page(page: Page) -> Page:
    """A page whose scripts may import the page's modules, such as "/viewer.js"."""
    page.route(ORIGIN + "**", _serve)
    page.goto(ORIGIN)
    return page
