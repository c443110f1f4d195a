"""Drives the page of `lockstep serve` in Chromium over the DevTools protocol, as a person would, and prints as JSON what
could be seen: page.py CHROMIUM ADDRESS PHOTOGRAPH FOLDER. Pictures of the page are written into FOLDER.
"""

import asyncio
import base64
import json
import subprocess
import sys

import websockets

chromium, address, photograph, folder = sys.argv[1:]
# Digits as someone would draw them, in parts of the drawing area: [strokes][points][x, y].
seven = [[(0.4, 0.2), (0.6, 0.2), (0.48, 0.8)]]
one = [[(0.25, 0.25), (0.25, 0.75)]]


class Page:
    def __init__(self, socket, session):
        self.socket, self.session, self.number = socket, session, 0
        self.loads = 0
        self.problems = []
        self.requests = set()

    async def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        await self.socket.send(json.dumps(message))
        while True:
            answer = await self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    async def receive(self):
        answer = json.loads(await self.socket.recv())
        event, values = answer.get("method"), answer.get("params", {})
        if event == "Page.loadEventFired":
            self.loads += 1
        elif event == "Network.requestWillBeSent":
            self.requests.add(values["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.problems.append(str(values["exceptionDetails"]))
        elif event == "Log.entryAdded" and values["entry"]["level"] == "error":
            self.problems.append(values["entry"]["text"])
        return answer

    async def load(self, method, **parameters):
        before = self.loads
        await self.call(method, **parameters)
        while self.loads == before:
            await self.receive()

    async def value(self, expression):
        result = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    async def until(self, expression):
        """What the page answers as soon as it is something; an error if it still is nothing after 20 seconds."""
        return await self.value(f"""new Promise((resolve, reject) => {{
            const end = performance.now() + 20000;
            const look = () => {{
                const found = {expression};
                if (found) resolve(found);
                else if (performance.now() > end) reject(new Error(document.body.innerText));
                else setTimeout(look, 10);
            }};
            look(); }})""")

    async def text(self, name, pattern):
        return await self.until(f"document.getElementById('{name}').textContent.match(/{pattern}/)?.[0]")

    async def places(self, strokes):
        box = await self.value("""(() => { const paper = document.getElementById('paper');
            paper.scrollIntoView({block: 'center'}); const b = paper.getBoundingClientRect();
            return [b.left, b.top, b.width, b.height]; })()""")
        return [[(box[0] + x * box[2], box[1] + y * box[3]) for x, y in stroke] for stroke in strokes]

    async def mouse(self, strokes):
        for stroke in await self.places(strokes):
            kinds = ["mousePressed"] + ["mouseMoved"] * (len(stroke) - 1) + ["mouseReleased"]
            for kind, (x, y) in zip(kinds, stroke + stroke[-1:]):
                await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    async def finger(self, strokes):
        for stroke in await self.places(strokes):
            kinds = ["touchStart"] + ["touchMove"] * (len(stroke) - 1)
            for kind, (x, y) in zip(kinds, stroke):
                await self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
            await self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    async def key(self, name, count=1):
        text = " " if name == " " else ""
        code = {" ": 32, "Tab": 9, "Enter": 13, "Delete": 46, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
                "ArrowDown": 40}[name]
        for _ in range(count):
            await self.call("Input.dispatchKeyEvent", type="keyDown", key=name, windowsVirtualKeyCode=code, text=text)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)

    async def show(self, width, scheme, isTouch=False):
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                        mobile=isTouch)
        await self.call("Emulation.setTouchEmulationEnabled", enabled=isTouch)
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def picture(self, name):
        data = (await self.call("Page.captureScreenshot", captureBeyondViewport=True))["data"]
        with open(f"{folder}/{name}.png", "wb") as file:
            file.write(base64.b64decode(data))


async def drive(browser_address):
    seen = {}
    async with websockets.connect(browser_address, max_size=None) as socket:
        target = await Page(socket, None).call("Target.createTarget", url="about:blank")
        attached = await Page(socket, None).call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(socket, attached["sessionId"])
        for domain in ["Page", "Network", "Runtime", "Log", "DOM", "Accessibility"]:
            await page.call(f"{domain}.enable")
        await page.show(1200, "light")
        await page.load("Page.navigate", url=address)

        await page.mouse(seven)
        seen["mouse"] = await page.text("drawn-text", "Read: 7")
        seen["cards"] = await page.value("document.querySelectorAll('#drawn-digits article').length")
        seen["lines"] = await page.value("document.querySelectorAll('#drawn-digits tbody tr').length")
        seen["ink"] = await page.value("""(() => { const c = document.querySelector('#drawn-digits canvas');
            return c.getContext('2d').getImageData(0, 0, 28, 28).data.filter((v, i) => i % 4 === 0 && v > 127).length; })()""")
        # A second digit beside the first.
        await page.mouse(one)
        seen["two"] = await page.text("drawn-text", "Read: 17")
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        seen["overflows"] = [await page.value(overflow)]
        await page.picture("light")
        await page.value("document.getElementById('undo').click()")
        seen["undo"] = await page.text("drawn-text", "Read: 7")
        await page.value("document.getElementById('clear').click()")
        seen["clear"] = await page.text("drawn-text", "Nothing drawn yet")
        seen["focus"] = await page.value("document.activeElement.id")

        # The whole way by keyboard: to the paper, a stroke down, the answer.
        await page.load("Page.reload")
        await page.key("Tab")
        seen["tab"] = await page.value("document.activeElement.id")
        await page.key(" ")
        await page.key("ArrowDown", 12)
        await page.key(" ")
        seen["keyboard"] = await page.text("drawn-text", "Read: 1")
        await page.key("Delete")
        seen["deleted"] = await page.text("drawn-text", "Nothing drawn yet")

        # A photograph, chosen and dropped.
        root = await page.call("DOM.getDocument")
        field = await page.call("DOM.querySelector", nodeId=root["root"]["nodeId"], selector="#file")
        await page.call("DOM.setFileInputFiles", nodeId=field["nodeId"], files=[photograph])
        rows = "document.getElementById('rows').hidden ? null : [...document.querySelectorAll('#rows li')].map((r) => r.textContent)"
        seen["rows"] = await page.until(rows)
        seen["annotated"] = await page.until("document.querySelector('#annotated img').naturalWidth")
        await page.value("document.querySelector('#seen').open = true")
        await page.picture("photograph")
        await page.load("Page.reload")
        place = await page.value("""(() => { const b = document.getElementById('drop').getBoundingClientRect();
            return [b.left + 5, b.top + 5]; })()""")
        for kind in ["dragEnter", "dragOver", "drop"]:
            await page.call("Input.dispatchDragEvent", type=kind, x=place[0], y=place[1],
                            data={"items": [], "files": [photograph], "dragOperationsMask": 1})
        seen["dropped"] = await page.until(rows)
        # What is no photograph.
        await page.value("""readPhotograph(new File(['no picture'], 'letter.txt'))""")
        seen["refused"] = await page.text("read-text", "expected a JPEG.*")
        # The browser notes each answer that is an error.
        page.problems = [problem for problem in page.problems if "415" not in problem]

        # A phone, in the dark, with a finger.
        await page.show(390, "dark", isTouch=True)
        await page.finger(seven)
        seen["finger"] = await page.text("drawn-text", "Read: 7")
        seen["overflows"].append(await page.value(overflow))
        seen["dark"] = await page.value("getComputedStyle(document.body).backgroundColor")
        await page.picture("dark")

        tree = (await page.call("Accessibility.getFullAXTree"))["nodes"]
        wanted = {"button", "application", "image", "heading", "status", "figure", "table"}
        seen["unnamed"] = [
            node["role"]["value"] for node in tree
            if not node.get("ignored") and node["role"]["value"] in wanted - {"status", "figure"}
            and not node.get("name", {}).get("value")]
        seen["roles"] = sorted({node["role"]["value"] for node in tree if not node.get("ignored")} & wanted)
        seen["foreign"] = sorted(
            url for url in page.requests if not url.startswith((address, "data:", "blob:", "about:")))
        seen["problems"] = page.problems
        await Page(socket, None).call("Browser.close")
    json.dump(seen, sys.stdout)


browser = subprocess.Popen(
    [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
     "--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={folder}/profile", "about:blank"],
    stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
try:
    for line in browser.stderr:
        if line.startswith("DevTools listening on "):
            asyncio.run(asyncio.wait_for(drive(line.split()[-1]), 60))
            break
finally:
    browser.kill()
    browser.wait()
