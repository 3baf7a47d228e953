#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""browser.py PAGE PICTURE: opens a page of tamtrace --html in Chromium, as a reader does.

Prints what the page shows at the end, after the slider has moved to the start and to the
middle, and after a play, as JSON; writes a screenshot as wide as a phone and one of a desk.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time


class Browser:
    """Speaks the DevTools protocol through a pipe: JSON that ends with a zero byte."""

    def __init__(self, profile):
        to_read, self.out = os.pipe()
        self.into, to_write = os.pipe()
        # It takes its orders on descriptor 3 and answers on 4.
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "sh", "chromium", "--headless", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe", f"--user-data-dir={profile}"],
            pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.number, self.rest, self.session, self.complaints, self.requests = 0, b"", None, [], []

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.into, 1 << 16)
            if not more:
                sys.exit("browser.py: chromium ended")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **params):
        self.number += 1
        order = {"id": self.number, "method": method, "params": params}
        if self.session:
            order["sessionId"] = self.session
        os.write(self.out, json.dumps(order).encode() + b"\0")
        while True:
            said = self.message()
            if said.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
                self.complaints.append(json.dumps(said["params"]))
            if said.get("method") == "Network.requestWillBeSent":
                self.requests.append(said["params"]["request"]["url"])
            if said.get("id") == self.number:
                if "error" in said:
                    sys.exit(f"browser.py: {method}: {said['error']}")
                return said["result"]

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            sys.exit(f"browser.py: {expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait_for(self, expression):
        until = time.monotonic() + 120
        while not self.value(expression):
            if time.monotonic() > until:
                sys.exit(f"browser.py: it never came true: {expression}")
            time.sleep(0.05)

    def open(self, page):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url="file://" + os.path.abspath(page))
        self.wait_for('document.readyState === "complete" && location.protocol === "file:"')

    def picture(self, path):
        image = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(image))

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait()


SHOWN = """Object.fromEntries(["title", "totals", "seconds", "touches", "resident", "released"]
    .map(id => [id, document.getElementById(id).textContent]))"""
MOVE = """(to => { const slider = document.getElementById("time");
    slider.value = Math.round(slider.max * to); slider.dispatchEvent(new Event("input")); })"""


def main(page, picture):
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        browser.open(page)
        found = {}
        for name, width in (("phone", 390), ("desk", 1100)):
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
            found[name + "-overflow"] = browser.value("document.documentElement.scrollWidth - innerWidth")
            browser.picture(f"{picture}-{name}.png")
        for name, where in (("start", 0), ("middle", 0.5), ("end", 1)):
            browser.value(f"{MOVE}({where})")
            found[name] = browser.value(SHOWN)
        found["playing"] = browser.value('document.getElementById("play").click(),'
                                         ' document.getElementById("play").textContent + document.getElementById("time").value')
        browser.wait_for('document.getElementById("time").value === document.getElementById("time").max'
                         ' && document.getElementById("play").textContent === "Play"')
        found["played"] = browser.value(SHOWN)
        browser.value("""document.querySelector("#map canvas").dispatchEvent(new PointerEvent("pointermove", (box =>
            ({ clientX: box.x + 1, clientY: box.y + 1 }))(document.querySelector("#map canvas").getBoundingClientRect())))""")
        found["here"] = browser.value('document.getElementById("here").textContent')
        found["bands"] = browser.value('[...document.querySelectorAll("#map h2")].map(title => title.textContent)')
        found["releases"] = browser.value('[...document.querySelectorAll("#releases tbody tr")].map(row => row.innerText)')
        found["complaints"], found["requests"] = browser.complaints, browser.requests
        browser.close()
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
