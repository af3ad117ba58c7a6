// A machine's screen by noVNC. The connection is opened here, so that the ticket never stands in an address.
import RFB from "./vendor/novnc-1.7.0/core/rfb.js";
import { connect, over } from "./viewer-line.js";

const watching = document.getElementById("viewer").dataset.kind === "watch";
const by = (name) => document.getElementById(name);

connect((socket, place) => {
  const closed = {};
  socket.addEventListener("close", (event) => (closed.why = event.reason));
  const screen = new RFB(place, socket, { shared: true });
  screen.viewOnly = watching;
  screen.scaleViewport = true;
  screen.background = "#000";
  screen.addEventListener("disconnect", () => setTimeout(() => over(closed.why || "连接已断开", closed.why ? "" : "disconnected")));
  screen.addEventListener("securityfailure", () => over("屏幕拒绝了连接", "the screen refused"));
  if (watching) return;
  screen.focus();
  by("cad").addEventListener("click", () => {
    screen.sendCtrlAltDel();
    screen.focus();
  });
  by("only").addEventListener("change", (event) => (screen.viewOnly = event.target.checked));
  by("paste").addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const sign of by("text").value) {
      const code = sign.codePointAt(0);
      if (code === 10) screen.sendKey(0xff0d, "Enter");
      else if (code === 9) screen.sendKey(0xff09, "Tab");
      else if (code >= 32 && code < 127) screen.sendKey(code);
      // A slow machine drops keys that come all at once.
      await new Promise((done) => setTimeout(done, 12));
    }
    by("text").value = "";
    by("paste").parentNode.open = false;
    screen.focus();
  });
});
