#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""lab_page.py PAGE PICTURE STRINGS: opens the lab's page in Chromium, as a reader does.

Types each line of STRINGS, "FRAMES PAGE PAGE ...", into the stepper. Prints the faults that it
shows of each, and what else a reader sees, as JSON; writes pictures of a phone and of a desk.
"""
import json
import re
import sys
import tempfile

from browser import Browser

TYPE = """(lines => lines.map(line => {
    const [frames, ...pages] = line.split(" ");
    const enter = (id, text) => {
        const input = document.getElementById(id);
        input.value = text;
        input.dispatchEvent(new Event("input"));
    };
    enter("string", pages.join(" "));
    enter("frames", frames);
    document.getElementById("last").click();
    return ["opt", "lru", "clock", "fifo"].map(policy => {
        const figure = document.querySelector(`#runs figure[data-policy=${policy}]`);
        return Number(/: (\\d+) (faults|faltas)/.exec(figure.querySelector("figcaption").textContent)[1]);
    });
}))"""
# What a reader can see, of both languages.
VISIBLE = """[...document.querySelectorAll(".LANG")].filter(e => e.getClientRects().length).length"""
HIDDEN = """[...document.querySelectorAll(".guess + div")].map(answer => getComputedStyle(answer).display)"""
# The text that a reader can see; the curves' own as well.
TEXT = """document.body.innerText + " " +
    [...document.querySelectorAll("svg tspan")].filter(e => e.checkVisibility()).map(e => e.textContent).join(" ")"""
STEP = """(id => { document.getElementById(id).click(); return document.getElementById("at").textContent; })"""


def languages(browser):
    """Of each: title, visible words of either language, and what a wrong string is told."""
    seen = {}
    for lang in ("es", "en"):
        browser.value(f"document.querySelector('[data-lang={lang}]').click()")
        browser.value("""(input => { input.value = "1 x 2"; input.dispatchEvent(new Event("input")); })
            (document.getElementById("string"))""")
        text = browser.value(TEXT)
        seen[lang] = {
            "title": browser.value("document.title"),
            "es": browser.value(VISIBLE.replace("LANG", "es")), "en": browser.value(VISIBLE.replace("LANG", "en")),
            "clocks": re.findall(r"\b(?:clock|frames|faults)\b", text, re.I), "relojes": re.findall(r"\b(?:reloj|marcos|faltas)\b", text, re.I),
            "wrong": browser.value('document.getElementById("message").textContent'),
        }
    return seen


def curves(browser):
    """The first figure's first curve, off and on; and what is read under the pointer."""
    return browser.value("""(figure => {
        const button = figure.querySelector(".names button");
        const plot = figure.querySelector('svg [id$="gnuplot_plot_1"]');
        const svg = figure.querySelector("svg"), box = svg.getBoundingClientRect(), seen = {};
        button.click(); seen.off = getComputedStyle(plot).display;
        button.click(); seen.on = getComputedStyle(plot).display;
        svg.dispatchEvent(new PointerEvent("pointermove", { clientX: box.x + box.width * 0.97, clientY: box.y + 9 }));
        seen.read = figure.querySelector(".read").textContent;
        return seen;
    })(document.querySelector("figure.curve"))""")


def main(page, picture, strings):
    with open(strings, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        browser.open(page)
        found = {"hidden": browser.value(HIDDEN), "begins": browser.value('document.getElementById("at").textContent')}
        browser.call("Emulation.setEmulatedMedia", media="print")
        found["print"] = browser.value(HIDDEN) + [browser.value(
            'getComputedStyle(document.querySelector(".names button")).display')]
        browser.call("Emulation.setEmulatedMedia", media="")
        for name, width in (("phone", 390), ("desk", 1100)):
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
            found[name + "-overflow"] = browser.value("document.documentElement.scrollWidth - innerWidth")
            browser.picture(f"{picture}-{name}.png")
        found["steps"] = [browser.value(f"{STEP}('{step}')") for step in ("first", "forward", "forward", "back", "last")]
        browser.value("document.querySelectorAll('.guess').forEach(guess => guess.querySelector('button').click())")
        found["shown"] = browser.value(HIDDEN)
        found["right"] = browser.value('document.querySelectorAll(".guess button.right").length')
        found["curve"] = curves(browser)
        browser.call("Emulation.setDeviceMetricsOverride", width=390, height=900, deviceScaleFactor=1, mobile=True)
        found["phone-curve"] = browser.value('document.querySelector("figure.curve svg").getBoundingClientRect().width')
        browser.call("Emulation.setDeviceMetricsOverride", width=1100, height=900, deviceScaleFactor=1, mobile=False)
        browser.picture(f"{picture}-answers.png")
        found["languages"] = languages(browser)
        found["faults"] = browser.value(f"{TYPE}({json.dumps(lines)})")
        found["complaints"], found["requests"] = browser.complaints, browser.requests
        browser.close()
        print(json.dumps(found, indent=1))


main(*sys.argv[1:])
