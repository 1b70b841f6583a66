// Stands between textual-serve's terminal and the server. The terminal opens a WebSocket and fits itself to the element
// it is given; so this script gives it a socket of its own making, which outlives lost connections, and for viewers an
// element and a font in which exactly the presenter's screen fits.
"use strict";
(() => {
  const RealSocket = window.WebSocket;
  const ALIVE_MS = 15000; // the server is asked so often whether it is there
  const SMALLEST_FONT = 3, FONT_STEP = 0.25, LARGEST_FONT = 64;

  let presents = false;
  let socket = null; // the connection
  let terminal = null; // what textual-serve's script takes for its socket
  let screenSize = null; // the presenter's, in cells
  let over = false; // the server has said its last word
  let tries = 0;
  let heardAt = 0;

  // The socket that the terminal is given -------------------------------------------------------------------------

  class Wire extends EventTarget {
    constructor(url) {
      super();
      const asked = new URL(url, location.href).searchParams;
      this.size = { width: Number(asked.get("width")), height: Number(asked.get("height")) };
      terminal = this;
      this.note();
      queueMicrotask(() => this.dispatchEvent(new Event("open")));
    }
    send(text) {
      const [kind, value] = JSON.parse(text);
      if (kind === "resize") {
        this.size = value;
        this.note();
      }
      if (kind === "ping") return; // it only measures; we ask by ourselves
      if (presents) sendOn(text);
      else if (kind === "stdin") hint();
    }
    note() {
      document.body.dataset.cells = `${this.size.width}x${this.size.height}`;
    }
    receive(data) {
      this.dispatchEvent(new MessageEvent("message", { data }));
    }
  }
  window.WebSocket = Wire;

  function sendOn(text) {
    if (socket !== null && socket.readyState === RealSocket.OPEN) socket.send(text);
  }

  // The connection ------------------------------------------------------------------------------------------------

  function connect() {
    const path = presents ? "/present/ws" : "/ws";
    const mine = new RealSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
    socket = mine;
    mine.binaryType = "arraybuffer";
    heardAt = Date.now();
    mine.onopen = () => {
      tries = 0;
      if (presents) sendOn(JSON.stringify(["resize", terminal.size]));
      if (presents && document.hasFocus()) sendOn(JSON.stringify(["focus"]));
    };
    mine.onmessage = (event) => {
      if (socket !== mine) return;
      heardAt = Date.now();
      if (typeof event.data !== "string") terminal?.receive(event.data);
      else hear(event.data);
    };
    mine.onclose = () => {
      if (socket !== mine || over) return;
      socket = null;
      say("The connection was lost. Trying again …");
      // Not everybody at the same moment.
      setTimeout(reconnect, Math.min(8000, 500 * 2 ** tries++) * (0.5 + Math.random()));
    };
  }

  async function reconnect() {
    try {
      const answer = await fetch(location.pathname, { cache: "no-store" });
      if (answer.status === 403) return end((await answer.text()).trim());
    } catch {
      // Nobody is there; the socket will find that out too, and try again.
    }
    connect();
  }

  function hear(text) {
    const [kind, value] = JSON.parse(text);
    if (kind === "size") {
      const isFirst = screenSize === null;
      screenSize = value;
      say("");
      if (presents) return;
      fitToScreen();
      if (isFirst) hint();
    } else if (kind === "ended") end(value);
    else if (kind === "replaced") end(`${value} Load this page again to take it back.`);
    else if (kind === "open_url" && presents) terminal?.receive(text);
  }

  function end(sentence) {
    over = true;
    socket?.close();
    say(sentence);
  }

  setInterval(() => {
    if (over || socket === null) return;
    if (Date.now() - heardAt > 3 * ALIVE_MS) socket.close();
    else sendOn(JSON.stringify(["ping", ""]));
  }, ALIVE_MS);

  // Words to the person -------------------------------------------------------------------------------------------

  let hintTimer = 0;

  function say(sentence, kind = "word") {
    clearTimeout(hintTimer);
    const word = document.getElementById("word");
    word.dataset.kind = kind;
    word.textContent = sentence;
  }

  function hint() {
    if (over || socket === null) return;
    say("You are watching; keys and clicks do nothing here.", "hint");
    hintTimer = setTimeout(() => say(""), 4000);
  }

  // The terminal --------------------------------------------------------------------------------------------------

  function makeTerminal(font) {
    const element = document.createElement("div");
    element.className = "textual-terminal";
    element.dataset.sessionWebsocketUrl = location.href;
    element.dataset.fontSize = String(font);
    document.getElementById("stage").replaceChildren(element);
    startTextual(); // finds the element, and opens a Wire
    return element;
  }

  // A terminal of exactly the presenter's columns and rows, in the largest font in which they fit the window.
  function fitToScreen() {
    const { width, height } = screenSize;
    let font = largestFont(width, height);
    for (;;) {
      const element = makeTerminal(font);
      const drawn = element.querySelector(".xterm-screen").getBoundingClientRect();
      const cell = { width: drawn.width / terminal.size.width, height: drawn.height / terminal.size.height };
      const fits = cell.width * width <= innerWidth && cell.height * height <= innerHeight;
      if (!fits && font > SMALLEST_FONT) {
        font -= FONT_STEP;
        continue;
      }
      // The terminal takes as many whole cells as there is room for; half a cell more keeps rounding out of it.
      element.style.width = `${cell.width * (width + 0.5)}px`;
      element.style.height = `${cell.height * (height + 0.5)}px`;
      element.style.left = `${Math.max(0, (innerWidth - cell.width * width) / 2)}px`;
      element.style.top = `${Math.max(0, (innerHeight - cell.height * height) / 2)}px`;
      window.onresize();
      return;
    }
  }

  // By the measures that xterm.js takes: cells are whole pixels of the screen.
  function largestFont(width, height) {
    const context = document.createElement("canvas").getContext("2d");
    context.font = "100px 'Roboto Mono'";
    const measured = context.measureText("W");
    const wide = measured.width / 100;
    const high = (measured.fontBoundingBoxAscent + measured.fontBoundingBoxDescent) / 100;
    const ratio = devicePixelRatio;
    let font = LARGEST_FONT;
    while (
      font > SMALLEST_FONT &&
      (Math.floor(wide * font * ratio) * width > innerWidth * ratio ||
        Math.ceil(high * font * ratio) * height > innerHeight * ratio)
    )
      font -= FONT_STEP;
    return font;
  }

  let resizeTimer = 0;

  function onWindowResize() {
    if (presents || screenSize === null) return; // the presenter's terminal fits itself
    clearTimeout(resizeTimer);
    resizeTimer = setTimeout(() => {
      fitToScreen();
      sendOn(JSON.stringify(["whole"]));
    }, 150);
  }

  // Start ---------------------------------------------------------------------------------------------------------

  let startTextual = null;

  addEventListener("DOMContentLoaded", async () => {
    presents = document.body.dataset.role === "presenter";
    // Textual-serve's script waits for this event to look for its element; ours is made when its size is known.
    startTextual = window.onload;
    window.onload = null;
    document.title = presents ? "Correction Studio" : "Correction Studio (watching)";
    await document.fonts.load("16px 'Roboto Mono'");
    if (presents) {
      makeTerminal(16);
      document.querySelector(".xterm-helper-textarea").focus();
    }
    addEventListener("resize", onWindowResize);
    connect();
  });
})();
