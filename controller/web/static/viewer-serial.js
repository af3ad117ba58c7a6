// A machine's serial line by xterm.js.
import { connect, over } from "./viewer-line.js";

const by = (name) => document.getElementById(name);

connect((socket, place) => {
  const terminal = new Terminal({ cursorBlink: true, fontFamily: 'ui-monospace, "DejaVu Sans Mono", monospace', fontSize: 14, scrollback: 5000, screenReaderMode: false, theme: { background: "#10181c" } });
  const fit = new FitAddon.FitAddon();
  terminal.loadAddon(fit);
  terminal.open(place);
  fit.fit();
  new ResizeObserver(() => fit.fit()).observe(place);
  const words = new TextEncoder();
  const send = (text) => {
    const data = words.encode(text);
    for (let at = 0; at < data.length; at += 4096) socket.send(data.subarray(at, at + 4096));
  };
  terminal.onData(send);
  terminal.onBinary((data) => socket.send(Uint8Array.from(data, (sign) => sign.charCodeAt(0))));
  socket.onmessage = (event) => terminal.write(typeof event.data === "string" ? event.data : new Uint8Array(event.data));
  socket.onclose = (event) => over(event.reason || "连接已断开", event.reason ? "" : "disconnected");
  // What tests and assistive programs read.
  place.terminal = terminal;
  terminal.focus();
  by("paste").addEventListener("submit", (event) => {
    event.preventDefault();
    send(by("text").value.replaceAll("\n", "\r"));
    by("text").value = "";
    by("paste").parentNode.open = false;
    terminal.focus();
  });
});
