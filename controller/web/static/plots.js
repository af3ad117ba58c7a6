// Draws the plots: each `.plots` names its figures' address, each `.plot` in it which of them. Unknown minutes stay empty.
"use strict";
(() => {
  const ink = getComputedStyle(document.documentElement);
  const colour = (name) => ink.getPropertyValue(`--${name}`).trim();
  const clock = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false });
  const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") }, font: "12px system-ui, sans-serif" };
  const whole = (_plot, values) => values.map((value) => (Number.isInteger(value) ? String(value) : ""));
  const hours = (_plot, values) => values.map((value) => clock.format(value * 1000));
  const tones = { line0: "#0b6370", line1: "#8a5300", line2: "#1a5a9e", line3: "#7a3b8f", line4: "#53626b" };
  const dashes = { bad: [6, 3], warn: [2, 3], line1: [6, 3], line2: [2, 3], line3: [8, 3, 2, 3] };
  const HEIGHT = 200;

  // Numbered lines at the moments of the events that are listed below the plots.
  function events(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("busy");
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    (plot.root.parentNode.events || []).forEach((at, index) => {
      const x = plot.valToPos(Date.parse(at) / 1000, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillText(String(index + 1), x, bbox.top - 4 * devicePixelRatio);
    });
    ctx.restore();
  }

  function series(kind, line) {
    const stroke = tones[line.tone] || colour(line.tone);
    const made = { label: line.label, stroke, width: 2, dash: dashes[line.tone], points: { show: kind === "latency", size: 4 } };
    if (kind === "verdicts" && line.tone === "accent") made.fill = stroke + "22";
    if (kind === "queues") made.paths = uPlot.paths.stepped({ align: 1 });
    return made;
  }

  function options(kind, lines, width) {
    const time = { label: "时间 time", value: (_plot, value) => (value === null ? "–" : clock.format(value * 1000)) };
    return {
      width,
      height: HEIGHT,
      padding: [18, 8, 0, 0],
      hooks: { draw: [events] },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (_plot, _low, high) => [0, Math.max(4, Math.ceil((high || 0) * 1.15))] } },
      axes: [{ ...axis, values: hours }, { ...axis, values: whole, size: 46 }],
      series: [time, ...lines.map((line) => series(kind, line))],
    };
  }

  function draw(box, minutes, lines, marks, empty) {
    box.events = marks;
    if (lines.every((line) => line.values.every((value) => value === null))) {
      if (box.plot) box.plot.destroy();
      box.plot = null;
      box.textContent = empty;
      box.classList.add("empty");
      return;
    }
    const data = [minutes, ...lines.map((line) => line.values)];
    const names = lines.map((line) => line.label).join();
    if (box.plot && box.names === names) {
      box.plot.setData(data);
      return;
    }
    if (box.plot) box.plot.destroy();
    box.replaceChildren();
    box.classList.remove("empty");
    box.names = names;
    box.plot = new uPlot(options(box.dataset.plot, lines, box.clientWidth), data, box);
    if (!box.watched) {
      box.watched = new ResizeObserver(() => box.plot && box.plot.setSize({ width: box.clientWidth, height: HEIGHT }));
      box.watched.observe(box);
    }
  }

  async function renew(group) {
    const answer = await fetch(group.dataset.source, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const { minutes, plots, events: marks } = await answer.json();
    for (const box of group.querySelectorAll(".plot")) draw(box, minutes, plots[box.dataset.plot], marks, group.dataset.empty);
  }

  for (const group of document.querySelectorAll(".plots")) {
    renew(group);
    setInterval(() => renew(group), 30000);
  }
})();
