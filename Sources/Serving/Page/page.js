"use strict";

const element = (id) => document.getElementById(id);
const percent = (p) => `${(100 * p).toFixed(p > 0.9995 || p < 0.0005 ? 0 : 1)} %`;

// ---- Talking to the server ----

/** The answer to a picture, as JSON; throws an Error with one sentence. */
async function ask(path, picture) {
  for (let attempt = 0; ; attempt++) {
    let response;
    try {
      response = await fetch(path, { method: "POST", body: picture });
    } catch {
      throw new Error("The server does not answer: is it still running?");
    }
    if (response.status === 503 && attempt < 3) {
      const seconds = Number(response.headers.get("Retry-After")) || 1;
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
      continue;
    }
    const answer = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
    if (!response.ok) throw new Error(answer.error);
    return answer;
  }
}

// ---- Showing what was read ----

function say(output, text, failed = false) {
  output.classList.toggle("failed", failed);
  // The same text again would be read out again.
  if (output.textContent !== text) output.textContent = text;
}

/** The 28 × 28 pixels that the network saw, white ink on black as it sees them. */
function showImage(canvas, rows) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(28, 28);
  rows.flat().forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
  context.putImageData(image, 0, 0);
}

function bar(share) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rect.setAttribute("width", `${100 * share}%`);
  rect.setAttribute("height", "100%");
  svg.append(rect);
  return svg;
}

function digitCard(digit, image) {
  const card = element("digit").content.cloneNode(true);
  const canvas = card.querySelector("canvas");
  canvas.setAttribute("aria-label", `The ${digit.digit} as the network saw it, 28 by 28 pixels`);
  showImage(canvas, image);
  card.querySelector("strong").textContent = digit.digit;
  card.querySelector(".name span").textContent = percent(digit.confidence);
  const lines = digit.probabilities.map((probability, i) => [`${i}`, probability]);
  if (digit.noDigit !== undefined) lines.push(["none", digit.noDigit]);
  card.querySelector("tbody").append(...lines.map(([name, probability]) => {
    const row = document.createElement("tr");
    row.classList.toggle("best", name === `${digit.digit}`);
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    const cell = document.createElement("td");
    const text = document.createElement("span");
    text.textContent = percent(probability);
    cell.append(bar(probability), text);
    row.append(head, cell);
    return row;
  }));
  return card;
}

function showDigits(place, answer) {
  const cards = answer.rows.flatMap((row, i) => row.digits.map((digit, j) => digitCard(digit, answer.images[i][j])));
  place.replaceChildren(...cards);
}

const sentence = (answer) => answer.rows.map((row) => row.text).join(", ");

// ---- Drawing ----

const paper = element("paper");
const strokes = [];
// Where the pen of the keyboard is, and whether it draws.
const pen = { x: paper.width / 2, y: paper.height / 4, isDown: false };
const strokeWidth = 18;

function draw(context, ink, ground) {
  if (ground) {
    context.fillStyle = ground;
    context.fillRect(0, 0, paper.width, paper.height);
  } else context.clearRect(0, 0, paper.width, paper.height);
  Object.assign(context, { strokeStyle: ink, lineWidth: strokeWidth, lineCap: "round", lineJoin: "round" });
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(...stroke[0]);
    for (const point of stroke) context.lineTo(...point);
    context.stroke();
  }
}

function show() {
  const style = getComputedStyle(paper);
  const context = paper.getContext("2d");
  draw(context, style.getPropertyValue("--ink"), null);
  if (document.activeElement === paper && pen.isShown) {
    Object.assign(context, { strokeStyle: style.getPropertyValue("--accent"), lineWidth: 3 });
    context.beginPath();
    context.arc(pen.x, pen.y, strokeWidth / 2 + 3, 0, 2 * Math.PI);
    context.stroke();
  }
  element("undo").disabled = element("clear").disabled = strokes.length === 0;
}

// One request at a time; what was drawn meanwhile is sent when its answer is there.
let isAsking = false;
let isChanged = false;

async function read() {
  isChanged = true;
  if (isAsking) return;
  isAsking = true;
  const output = element("drawn-text");
  while (isChanged) {
    isChanged = false;
    if (strokes.length === 0) {
      say(output, "Nothing drawn yet.");
      element("drawn-digits").replaceChildren();
      continue;
    }
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [paper.width, paper.height];
    draw(copy.getContext("2d"), "#000", "#fff");
    const picture = await new Promise((resolve) => copy.toBlob(resolve, "image/png"));
    try {
      const answer = await ask("v1/drawing", picture);
      if (strokes.length === 0) continue;
      const digits = answer.rows.flatMap((row) => row.digits);
      const sure = digits.map((digit) => percent(digit.confidence)).join(", ");
      // Read out when the stroke has ended, not with every point of it.
      if (!isDrawing() || digits.length === 0) {
        say(output, digits.length ? `Read: ${sentence(answer)} (${sure})` : "No digit so far.");
      }
      showDigits(element("drawn-digits"), answer);
    } catch (error) {
      say(output, error.message, true);
    }
  }
  isAsking = false;
}

function changed() {
  show();
  read();
}

function point(event) {
  const box = paper.getBoundingClientRect();
  return [(event.clientX - box.left) * paper.width / box.width, (event.clientY - box.top) * paper.height / box.height];
}

let pointer = null;
const isDrawing = () => pointer !== null || pen.isDown;

paper.addEventListener("pointerdown", (event) => {
  if (pointer !== null || event.button !== 0) return;
  pointer = event.pointerId;
  paper.setPointerCapture(pointer);
  pen.isDown = pen.isShown = false;
  strokes.push([point(event)]);
  changed();
});
paper.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  const events = event.getCoalescedEvents?.() ?? [];
  strokes.at(-1).push(...(events.length ? events : [event]).map(point));
  changed();
});
for (const name of ["pointerup", "pointercancel"]) {
  paper.addEventListener(name, (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    changed();
  });
}

function undo() {
  strokes.pop();
  pen.isDown = false;
  changed();
}

function clear() {
  strokes.length = 0;
  pen.isDown = false;
  changed();
}

const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

paper.addEventListener("keydown", (event) => {
  const direction = directions[event.key];
  if (direction) {
    const step = event.shiftKey ? 4 : 16;
    pen.x = Math.min(Math.max(pen.x + direction[0] * step, strokeWidth), paper.width - strokeWidth);
    pen.y = Math.min(Math.max(pen.y + direction[1] * step, strokeWidth), paper.height - strokeWidth);
    if (pen.isDown) strokes.at(-1).push([pen.x, pen.y]);
  } else if (event.key === " ") {
    pen.isDown = !pen.isDown;
    if (pen.isDown) strokes.push([[pen.x, pen.y]]);
    element("pen").textContent = pen.isDown ? "Pen down." : "Pen up.";
  } else if (event.key === "Backspace" || event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
  else if (event.key === "Delete") clear();
  else return;
  event.preventDefault();
  pen.isShown = true;
  if (direction && !pen.isDown) show();
  else changed();
});
paper.addEventListener("focus", () => {
  pen.isShown = paper.matches(":focus-visible");
  show();
});
paper.addEventListener("blur", () => {
  const wasDown = pen.isDown;
  pen.isDown = false;
  if (wasDown) changed();
  else show();
});
// A button that gets disabled would lose the focus to nowhere.
element("undo").addEventListener("click", () => {
  undo();
  if (strokes.length === 0) paper.focus();
});
element("clear").addEventListener("click", () => {
  clear();
  paper.focus();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
show();

// ---- Photographs ----

const drop = element("drop");
// Of several that were brought quickly, the last one is shown.
let latest = 0;

async function readPhotograph(file) {
  const number = ++latest;
  const output = element("read-text");
  say(output, `Reading ${file.name || "the photograph"} …`);
  for (const id of ["rows", "annotated", "seen"]) element(id).hidden = true;
  try {
    const answer = await ask("v1/read?annotate=true&images=true", file);
    if (number !== latest) return;
    const digits = answer.rows.flatMap((row) => row.digits);
    const count = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
    let text = digits.length === 0 ? "No digits found."
      : `${count(digits.length, "digit")} in ${count(answer.rows.length, "row")}.`;
    if (answer.incomplete) text += " The file is damaged or ends early; what could be seen was read.";
    say(output, text);
    const image = document.querySelector("#annotated img");
    image.src = answer.annotated;
    image.alt = digits.length === 0 ? "The photograph" : `The photograph with a frame around each digit: ${sentence(answer)}`;
    element("annotated").hidden = false;
    element("rows").replaceChildren(...answer.rows.map((row) => {
      const item = document.createElement("li");
      item.textContent = row.text;
      return item;
    }));
    showDigits(element("read-digits"), answer);
    element("rows").hidden = element("seen").hidden = digits.length === 0;
  } catch (error) {
    if (number === latest) say(output, error.message, true);
  }
}

element("file").addEventListener("change", (event) => {
  const file = event.target.files[0];
  if (file) readPhotograph(file);
});
// Anywhere on the page: a photograph that misses the field must not replace the page.
for (const name of ["dragover", "dragleave", "drop"]) {
  addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    const file = name === "drop" ? event.dataTransfer.files[0] : undefined;
    if (file) readPhotograph(file);
  });
}
addEventListener("paste", (event) => {
  const file = event.clipboardData.files[0];
  if (file) readPhotograph(file);
});
