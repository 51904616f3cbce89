"""The page as a reader uses it: sorting, filters, links, keys, colours and widths; nothing comes from elsewhere."""

import json
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
    press = lambda key: browser.switch_to.active_element.send_keys(key)  # noqa: E731
    browser.find_element("tag name", "body").send_keys(keys.TAB)
    assert browser.switch_to.active_element.get_attribute("class") == "skip"
    press(keys.TAB)
    assert browser.switch_to.active_element.get_attribute("id") == "theme"
    press(keys.ENTER)
    assert "theme=" in browser.current_url
    browser.execute_script("document.querySelector('#table1 > summary').focus()")
    press(keys.ENTER)
    assert browser.execute_script("return document.querySelector('#table1').open")
    browser.execute_script("document.querySelector('#forest svg a').focus()")
    assert browser.find_element("id", "tip").text
    browser.execute_script("document.querySelector('#table1 .chart').focus()")
    press(keys.ARROW_LEFT)
    assert browser.find_element("id", "tip").text.startswith("epoch ")


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
    found = axe.run(browser, options={"resultTypes": ["violations"]})["violations"]
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
    assert page.stat().st_size <= 2**20
