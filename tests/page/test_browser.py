"""The page as a reader uses it: sorting, filters, links, keys, colours and widths; nothing comes from elsewhere."""

import json
import re
from pathlib import Path

import pytest

WIDTHS = (390, 768, 1366)
THEMES = ("light", "dark")
SHOWN = "return [...document.querySelectorAll('#claims-table tbody tr')].filter(row => !row.hidden)"
UNFOLD = "document.querySelectorAll('details').forEach(part => { part.open = true; })"
# One of each kind of part: with all of them open, axe-core takes minutes.
SOME = "#cite, #table1, #table1 details, #claim-parameters-50x details, #forest-others"
WIDER = """
const limit = document.documentElement.clientWidth + 1;
return [...document.querySelectorAll("body *")].filter(node => {
  const box = node.getBoundingClientRect();
  return box.width && box.right > limit && !node.closest(".scroll, .hidden, .skip, #tip");
}).map(node => node.outerHTML.slice(0, 120));
"""

# Texts of a chart that overlap by more than two pixels in both directions, or leave it.
MEETING = """
const found = [];
for (const svg of document.querySelectorAll(".chart svg")) {
  const frame = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()]);
  const name = svg.closest("[data-chart]").dataset.chart;
  boxes.forEach(([a, x], index) => {
    const inside = x.left > frame.left - 3 && x.right < frame.right + 3 && x.top > frame.top - 3;
    if (!inside || x.bottom > frame.bottom + 3) found.push([name, a]);
    for (const [b, y] of boxes.slice(index + 1)) {
      const wide = Math.min(x.right, y.right) - Math.max(x.left, y.left);
      const high = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
      if (wide > 2 && high > 4) found.push([name, a, b]);
    }
  });
}
return found;
"""
NOWHERE = """
const names = [...document.querySelectorAll('a[href^="#"]')].map(link => link.hash.slice(1));
return names.filter(name => name && !document.getElementById(name));
"""


def first_claims(browser) -> list[str]:
    """The ids of the first claims in view."""
    return browser.execute_script(SHOWN + ".slice(0, 5).map(row => row.id)")


def test_a_heading_sorts_and_a_reload_keeps_the_order(browser, visit) -> None:
    visit()
    heading = browser.find_elements("css selector", "#claims-table thead button")[3]
    browser.execute_script("arguments[0].click()", heading)
    measured = browser.execute_script(SHOWN + ".map(row => row.cells[3].dataset.sort).filter(Boolean).map(Number)")
    assert measured == sorted(measured)
    order = first_claims(browser)
    assert "sort=claims-table.3.ascending" in browser.current_url
    browser.refresh()
    assert first_claims(browser) == order


def test_a_filter_survives_a_reload(browser, visit) -> None:
    visit("?source=report&verdict=reproduced#claims")
    kinds = SHOWN + ".map(row => `${row.dataset.source} ${row.dataset.verdict}`)"
    assert set(browser.execute_script(kinds)) == {"report reproduced"}
    search = browser.find_element("css selector", "#claims input[type=search]")
    search.send_keys("alexnet")
    left = first_claims(browser)
    assert "text=alexnet" in browser.current_url
    browser.refresh()
    assert first_claims(browser) == left


def test_a_link_to_a_claim_opens_it(browser, visit) -> None:
    visit("#claim-parameters-50x")
    part = "document.querySelector('#claim-parameters-50x details')"
    assert browser.execute_script(f"return {part}.open")
    top = browser.execute_script("return document.querySelector('#claim-parameters-50x').getBoundingClientRect().top")
    assert 0 <= top < 900


def test_a_link_to_an_experiment_opens_it(browser, visit) -> None:
    visit("#runs-table1")
    assert browser.execute_script("return document.querySelector('details#table1').open")
    assert browser.execute_script("return document.querySelector('#runs-table-table1 tbody').rows.length") > 0


def test_a_claim_is_cited_in_a_line(browser, visit) -> None:
    visit("#claim-fire-removal-no-loss")
    row = browser.find_element("id", "claim-fire-removal-no-loss")
    browser.execute_script("arguments[0].click()", row.find_element("css selector", "p button"))
    said = row.find_element("css selector", "output").text
    assert said.startswith("\N{LEFT DOUBLE QUOTATION MARK}Removing fire2 and fire5")
    assert said.endswith("index.html#claim-fire-removal-no-loss")
    assert ": reproduced. repro " in said
    assert row.find_element("css selector", 'a[href="#runs-fire-removal"]').text == "runs"


def test_the_theme_survives_a_reload(browser, visit) -> None:
    visit("?theme=light")
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = browser.execute_script(colour)
    browser.find_element("id", "theme").click()
    dark = browser.execute_script(colour)
    assert dark != light
    browser.refresh()
    assert browser.execute_script(colour) == dark


def test_all_can_be_done_with_keys(browser, visit) -> None:
    keys = pytest.importorskip("selenium.webdriver").Keys
    visit()

    def press(key: str) -> None:
        browser.switch_to.active_element.send_keys(key)

    browser.find_element("tag name", "body").send_keys(keys.TAB)
    assert browser.switch_to.active_element.get_attribute("class") == "skip"
    press(keys.TAB)
    assert browser.switch_to.active_element.get_attribute("id") == "theme"
    press(keys.ENTER)
    assert "theme=" in browser.current_url
    browser.execute_script("document.querySelector('#table1 > summary').focus()")
    press(keys.ENTER)
    assert browser.execute_script("return document.querySelector('#table1').open")
    browser.execute_script("document.querySelector('.forest a').focus()")
    assert browser.find_element("id", "tip").text
    for chart, value in (("table1-curves", "epoch "), ("table1", "SqueezeNet, ")):
        browser.execute_script(f"document.querySelector('#table1 [data-chart={chart}] .chart').focus()")
        press(keys.ARROW_RIGHT)
        assert browser.find_element("id", "tip").text.startswith(value)


def test_every_mark_of_a_chart_says_its_value(browser, visit) -> None:
    """With arrow keys each mark of each chart is reached once, and says its mean, interval and number of seeds."""
    keys = pytest.importorskip("selenium.webdriver").Keys
    visit()
    dots = "return document.querySelectorAll('#finding-dead-starts .chart .dot').length"
    chart = browser.find_element("css selector", "#finding-dead-starts .chart")
    said = []
    for _ in range(browser.execute_script(dots)):
        chart.send_keys(keys.ARROW_RIGHT)
        said.append(browser.find_element("id", "tip").text)
    assert len(set(said)) == len(said) == 15
    assert all(re.search(r"\d %( \[[\d.]+, [\d.]+\])?, n = 10", text) for text in said)


def test_a_chart_answers_the_pointer(browser, visit) -> None:
    actions = pytest.importorskip("selenium.webdriver").ActionChains(browser)
    visit("#finding-dead-starts")
    dot = browser.find_element("css selector", "#finding-dead-starts .chart .dot")
    actions.move_to_element(dot).perform()
    assert "n = 10" in browser.find_element("id", "tip").text


def test_a_chart_shows_what_is_chosen(browser, visit) -> None:
    visit("#frontier")
    chart = "document.querySelector('#frontier [data-chart=frontier]')"
    label = f"return [...{chart}.querySelectorAll('svg text')].map(text => text.textContent)"
    assert "parameters" in browser.execute_script(label)
    choose = f"const field = {chart}.querySelector('select'); field.value = 1; field.dispatchEvent(new Event('change'))"
    assert "SqueezeNext" in browser.execute_script(label)
    browser.execute_script(choose)
    assert "multiply-accumulates for one image" in browser.execute_script(label)
    dots = f"return {chart}.querySelectorAll('.chart .dot').length"
    before = browser.execute_script(dots)
    browser.execute_script(f"{chart}.querySelector('input').click()")
    assert 0 < browser.execute_script(dots) < before


@pytest.mark.parametrize("width", WIDTHS)
def test_charts_fit_and_their_text_does_not_meet(browser, visit, width: int) -> None:
    """All charts at once: no text is cut, and no two texts of a chart overlap."""
    visit(width=width)
    browser.execute_script(UNFOLD)
    browser.execute_script("redraws.forEach(redraw => redraw())")
    assert browser.execute_script("return document.querySelectorAll('.chart svg').length") > 30
    assert browser.execute_script(MEETING) == []


def test_print_shows_the_figures_as_files_do(browser, visit) -> None:
    visit()
    parts = "[...document.querySelectorAll('#finding-dead-starts :is(.chart, .still)')]"
    shown = f"return {parts}.map(part => part.checkVisibility())"
    assert browser.execute_script(shown) == [True, False]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert browser.execute_script(shown) == [False, True]
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_button_copies_the_citation(browser, visit) -> None:
    """Of the page, and of a claim: what is copied is what is shown."""
    visit("?open=cite#claim-fire-removal-no-loss")
    browser.execute_script(
        "navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve(); }"
    )
    browser.execute_script("document.querySelector('#cite .copy').click()")
    assert "@" in browser.execute_script("return window.copied")
    row = browser.find_element("id", "claim-fire-removal-no-loss")
    browser.execute_script("arguments[0].click()", row.find_element("css selector", "p button"))
    assert browser.execute_script("return window.copied") == row.find_element("css selector", "output").text


def test_links_lead_somewhere(browser, visit, page: Path) -> None:
    """Every link within the page has a place; records, tables and figures exist."""
    visit()
    assert browser.execute_script(NOWHERE) == []
    links = browser.execute_script("return [...document.querySelectorAll('a')].map(link => link.getAttribute('href'))")
    files = {link.partition("#")[0].partition("?")[0] for link in links if "://" not in link}
    missing = [link for link in files if link and not (page.parent / link).exists()]
    # PDF and PNG are drawn by `repro report`, and not committed; a new experiment has tables when it is run next.
    made = {path.stem for path in (page.parent / "tables").glob("*.md")}
    assert [
        link
        for link in missing
        if not link.endswith((".pdf", ".png")) and not (link.startswith("tables/") and Path(link).stem not in made)
    ] == []
    assert sum(link.endswith("record.json") for link in files) > 100


def test_open_parts_survive_a_reload(browser, visit) -> None:
    visit()
    browser.execute_script("document.querySelector('#width').open = true")
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    assert "open=width" in browser.current_url
    browser.refresh()
    assert browser.execute_script("return document.querySelector('#width').open")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_without_a_cue(browser, visit, width: int) -> None:
    """Only parts that scroll, which a shadow shows, are wider than the window."""
    visit(width=width)
    browser.execute_script(UNFOLD)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(WIDER) == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.timeout(900)
def test_axe_finds_nothing_serious(browser, visit, width: int, theme: str) -> None:
    axe = pytest.importorskip("axe_core_python.selenium").Axe()
    visit(f"?theme={theme}", width)
    browser.execute_script(UNFOLD.replace("details", SOME, 1))
    browser.set_script_timeout(600)
    # Section by section, and what is around them: of the whole page the driver would wait in vain on a busy machine.
    parts = browser.execute_script("return [...document.querySelectorAll('main > section')].map(part => `#${part.id}`)")
    found = [
        violation
        for part in [{"exclude": [["main > section"]]}, *parts]
        for violation in axe.run(browser, part, {"resultTypes": ["violations"]})["violations"]
    ]
    assert [
        (each["id"], len(each["nodes"]), each["nodes"][0]["html"][:200])
        for each in found
        if each["impact"] in ("serious", "critical")
    ] == []


def test_nothing_is_asked_from_elsewhere_and_nothing_complains(browser, visit) -> None:
    for log in ("browser", "performance"):
        browser.get_log(log)  # what came before is not this page's
    visit()
    browser.execute_script(UNFOLD)
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert asked
    assert all(url.partition(":")[0] in ("about", "data", "file") for url in asked)


def test_the_page_is_small(browser, page: Path) -> None:
    assert page.stat().st_size <= 1_200_000


def test_the_page_is_painted_at_once(browser, visit) -> None:
    """Half a second is the goal on a free machine; ten times that is a page that waits for its script."""
    visit()
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    paint = "return performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)[0]"
    assert browser.execute_script(paint) < 5000
