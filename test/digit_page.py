#!/usr/bin/env python3
"""digit_page.py - the page of `export --to digit.html` in a browser, as a person uses it.

    digit_page.py PAGE FOLDER [PAGE FILE.x FILE.answers]...

PAGE gets a digit of each class by mouse, finger and pen, and one by keyboard: FOLDER/N.png, what the pad
holds, N.seen, the 784 numbers, N.y, the percents shown, N.answer, the class; then screenshots
FOLDER/WIDTH-SCHEME-LANGUAGE.png. Of the other pages, the answers to samples as numbers.

Anything in the console, a request, or what is not as expected is told, and exits with 1. It speaks the
DevTools protocol through the pipe that Chromium has for it; nothing but Python's library is needed.
"""
import base64
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile


class Browser:
    """One page of a headless Chromium."""

    def __init__(self):
        self.profile = tempfile.mkdtemp()
        here, there = os.pipe(), os.pipe()
        self.to, self.come = here[1], there[0]

        def take_pipes():
            read, write = os.dup(here[0]), os.dup(there[1])
            os.dup2(read, 3)
            os.dup2(write, 4)

        os.set_inheritable(here[0], True)
        os.set_inheritable(there[1], True)
        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-component-update", "--no-first-run", f"--user-data-dir={self.profile}",
             "--remote-debugging-pipe", "about:blank"],
            preexec_fn=take_pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(here[0])
        os.close(there[1])
        self.number, self.rest, self.said, self.session = 0, b"", [], None
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def read(self):
        while b"\0" not in self.rest:
            part = os.read(self.come, 1 << 16)
            if not part:
                sys.exit("digit_page.py: the browser ended")
            self.rest += part
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def note(self, message):
        method, what = message.get("method"), message.get("params", {})
        if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.said.append(json.dumps(what)[:400])
        if method == "Network.requestWillBeSent":
            address = what["request"]["url"]
            if address != self.address and not address.startswith("data:"):
                self.said.append("request of " + address)
        return method

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            self.note(answer)
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"digit_page.py: {method}: {answer['error']}")
                return answer["result"]

    def open(self, page=None):
        """Another page, or the same anew."""
        if page:
            self.address = "file://" + os.path.abspath(page)
        self.call("Page.navigate", url=self.address)
        while self.note(self.read()) != "Page.loadEventFired":
            pass

    def run(self, code):
        result = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            sys.exit(f"digit_page.py: {code}: {json.dumps(result['exceptionDetails'])[:400]}")
        return result["result"].get("value")

    def settle(self):
        """Until what was changed is shown."""
        self.run("new Promise(done => { let n = 4; const next = () => --n ? requestAnimationFrame(next) : done();"
                 "requestAnimationFrame(next); })")

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)

    def screenshot(self, path):
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def end(self):
        os.close(self.to)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


def expect(true, what):
    if not true:
        sys.exit("digit_page.py: " + what)


# --- a hand ---------------------------------------------------------------------------------------


def arc(x, y, rx, ry, begin, end, n=12):
    """Degrees, clockwise from the right, as y points down."""
    turn = [math.radians(begin + (end - begin) * i / n) for i in range(n + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in turn]


DIGITS = [
    [arc(.5, .5, .2, .32, -80, 285)],
    [[(.55, .15), (.5, .5), (.46, .85)]],
    [arc(.5, .34, .2, .18, 190, 385) + [(.32, .8), (.35, .82), (.72, .8)]],
    [arc(.47, .33, .18, .16, 200, 440) + arc(.47, .66, .21, .18, -80, 150)],
    [[(.36, .18), (.31, .52), (.7, .5)], [(.63, .15), (.58, .86)]],
    [[(.68, .2), (.4, .2), (.37, .46)] + arc(.48, .62, .2, .2, 230, 510)],
    [[(.6, .13), (.45, .32)] + arc(.5, .64, .19, .2, 190, 560)],
    [[(.3, .2), (.7, .19), (.47, .86)]],
    [arc(.5, .32, .15, .16, 30, -240) + arc(.5, .67, .18, .19, -60, 240) + [(.62, .42)]],
    [arc(.49, .34, .17, .17, -10, -370) + [(.66, .36), (.63, .6), (.58, .86)]],
]


def fine(points, n=3):
    """n steps for each."""
    return [(a[0] + (b[0] - a[0]) * i / n, a[1] + (b[1] - a[1]) * i / n)
            for a, b in zip(points, points[1:]) for i in range(n)] + points[-1:]


class Hand:
    def __init__(self, browser):
        self.browser = browser

    def place(self, point):
        # Where the pad is now, in numbers of the page; 1 to 1 with its pixels beside rounding.
        left, top, width, height = self.box
        return {"x": left + point[0] * width, "y": top + point[1] * height}

    def stroke(self, points, how):
        browser = self.browser
        browser.run("document.getElementById('pad').scrollIntoView({block: 'center'})")
        self.box = browser.run("(b => [b.left, b.top, b.width, b.height])"
                               "(document.getElementById('pad').getBoundingClientRect())")
        for i, point in enumerate(points):
            if how == "touch":
                browser.call("Input.dispatchTouchEvent", type="touchMove" if i else "touchStart",
                             touchPoints=[self.place(point)])
            else:
                browser.call("Input.dispatchMouseEvent", type="mouseMoved" if i else "mousePressed", button="left",
                             buttons=1, clickCount=1, pointerType=how, **self.place(point))
        if how == "touch":
            browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        else:
            browser.call("Input.dispatchMouseEvent", type="mouseReleased", button="left", buttons=0, clickCount=1,
                         pointerType=how, **self.place(points[-1]))

    def key(self, key, times=1):
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                self.browser.call("Input.dispatchKeyEvent", type=kind, key=key,
                                  text=key if kind == "keyDown" and len(key) == 1 else "")


SEEN = """(() => {
  const image = document.getElementById("seen").getContext("2d").getImageData(0, 0, 28, 28).data;
  return Array.from({length: 784}, (_, i) => image[4 * i]).join(" "); })()"""
METERS = "[...document.querySelectorAll('[role=meter]')].map(m => m.getAttribute('aria-valuenow')).join(' ')"
BEST = "[...document.querySelectorAll('#answers li')].findIndex(row => row.classList.contains('best'))"
STATUS = "document.getElementById('status').textContent"
CLEAR = "document.getElementById('clear').click()"


def keep(browser, folder, name):
    browser.settle()
    picture = browser.run("document.getElementById('pad').toDataURL()").split(",")[1]
    with open(f"{folder}/{name}.png", "wb") as file:
        file.write(base64.b64decode(picture))
    for what, code in (("seen", SEEN), ("y", METERS), ("answer", BEST), ("status", STATUS)):
        with open(f"{folder}/{name}.{what}", "w") as file:
            print(browser.run(code), file=file)


def use_keyboard(browser, hand, folder):
    """A 1 in arrow keys; the eraser; Delete; what a screen reader hears."""
    browser.run(CLEAR)
    browser.settle()
    expect(browser.run("[...document.querySelectorAll('button, #pad')].every(e => e.tabIndex >= 0)"), "no focus")
    browser.run("document.getElementById('pad').focus()")
    hand.key("ArrowUp", 12)
    hand.key(" ")
    hand.key("ArrowDown", 24)
    keep(browser, folder, "key")
    hand.key(" ")
    browser.settle()
    expect("Pen up." in browser.run(STATUS), "the pen's way is not told")
    full = browser.run(SEEN)
    hand.key("e")
    expect(browser.run("document.getElementById('eraser').getAttribute('aria-pressed')") == "true", "no eraser")
    hand.key(" ")
    hand.key("ArrowUp", 8)
    browser.settle()
    expect(browser.run(SEEN) not in (full, " ".join(["0"] * 784)), "the eraser erases nothing, or all")
    hand.key("Delete")
    browser.settle()
    expect(browser.run(SEEN) == " ".join(["0"] * 784) and browser.run(STATUS).startswith("Nothing"), "not cleared")
    hand.key("e")


def take_pictures(browser, hand, folder):
    for width, scheme, language in ((400, "dark", "zh-CN"), (1200, "light", "en")):
        browser.size(width, 1000)
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.call("Network.setUserAgentOverride", userAgent="test", acceptLanguage=language)
        browser.open()
        for points in DIGITS[5]:
            hand.stroke(points, "mouse")
        browser.settle()
        browser.run("new Promise(done => setTimeout(done, 150))")  # the bars' way
        browser.run("scrollTo(0, 0)")
        expect(browser.run("document.documentElement.lang") == language, "not in " + language)
        expect(browser.run("document.documentElement.scrollWidth") <= width, f"wider than {width}")
        browser.screenshot(f"{folder}/{width}-{scheme}-{language}.png")


def write(browser, folder):
    hand = Hand(browser)
    browser.size(1200, 1000)
    for digit, strokes in enumerate(DIGITS):
        browser.run(CLEAR)
        browser.settle()
        before = browser.run(METERS)
        for points in strokes:
            points = fine(points, 3 if len(points) < 9 else 1)
            how = ("mouse", "touch", "pen")[digit % 3]
            hand.stroke(points[:len(points) // 2], how)
            browser.settle()
            middle = browser.run(METERS)
            hand.stroke(points[len(points) // 2 - 1:], how)
        keep(browser, folder, digit)
        expect(len({before, middle, browser.run(METERS)}) == 3, f"{digit}: the bars do not move as one writes")
    use_keyboard(browser, hand, folder)
    take_pictures(browser, hand, folder)


def predict(browser, page, samples, answers):
    browser.open(page)
    with open(samples) as file:
        rows = [[float(word) for word in line.split()] for line in file]
    with open(answers, "w") as file:
        for row in browser.run(f"{json.dumps(rows)}.map(x => Array.from(predict(Float32Array.from(x))))"):
            print(*(f"{value:.9g}" for value in row), file=file)


def main(page, folder, *others):
    browser = Browser()
    browser.open(page)
    write(browser, folder)
    for i in range(0, len(others), 3):
        predict(browser, *others[i:i + 3])
    browser.end()
    for line in browser.said:
        print("digit_page.py: in the console:", line, file=sys.stderr)
    sys.exit(1 if browser.said else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
