// A plan, drawn: who gives on the left, who gets on the right, and between them bands as wide as what moves.

import { shown, svg } from "/page/dom.js";
import { bytes, count } from "/page/words.js";

const MOST = 24, LABEL = 20, GAP = 14, BAR = 10, LEAST = 4;

function side(moves, end) {
  const ends = new Map();
  for (const move of moves) {
    const of = ends.get(move[end]) ?? { id: move[end], bytes: 0, count: 0 };
    of.bytes += move.bytes;
    of.count += 1;
    ends.set(move[end], of);
  }
  return [...ends.values()].sort((a, b) => b.bytes - a.bytes);
}

// Gives each of a side its place.
function lay(ends, scale) {
  let y = 0;
  for (const of of ends) {
    of.y = y + LABEL;
    of.height = Math.max(of.bytes * scale, LEAST * of.count);
    of.next = of.y;
    y = of.y + of.height + GAP;
  }
  return y;
}

function band(move, from, to, width, scale, title) {
  const thick = Math.max(move.bytes * scale, LEAST);
  const [a, b] = [from.next, to.next];
  from.next += thick;
  to.next += thick;
  const [left, right, middle] = [BAR, width - BAR, width / 2];
  const path = `M${left},${a} C${middle},${a} ${middle},${b} ${right},${b} L${right},${b + thick} `
    + `C${middle},${b + thick} ${middle},${a + thick} ${left},${a + thick} Z`;
  return svg("path", { d: path, class: "band" }, svg("title", {}, title));
}

function post(of, x, anchor, width, title) {
  const most = Math.max(4, Math.floor((width / 2 - 12) / 6.8) - bytes(of.bytes).length - 1);
  return svg("g", {},
    svg("text", { x: anchor === "start" ? 0 : width, y: of.y - 6, "text-anchor": anchor },
      svg("tspan", { class: "strong" }, shown(title(of.id), most)), svg("tspan", {}, ` ${bytes(of.bytes)}`)),
    svg("rect", { x, y: of.y, width: BAR, height: of.height, rx: 2, class: "post" }));
}

// moves: { from, to, objects, bytes }; title(id): what a member is called. A table says the same to who does not see it.
export function draw(moves, width, title) {
  const drawn = moves.slice(0, MOST);
  const total = drawn.reduce((sum, move) => sum + move.bytes, 0);
  const scale = Math.min(160, 40 * drawn.length) / Math.max(total, 1);
  const givers = side(drawn, "from"), takers = side(drawn, "to");
  const height = Math.max(lay(givers, scale), lay(takers, scale));
  const of = (ends, id) => ends.find((each) => each.id === id);
  const words = (move) => `${shown(title(move.from), 40)} to ${shown(title(move.to), 40)}: `
    + `${count(move.objects, "copy", "copies")}, ${bytes(move.bytes)}`;
  const said = drawn.map(words).join("; ");
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": said, class: "flows" },
    drawn.map((move) => band(move, of(givers, move.from), of(takers, move.to), width, scale, words(move))),
    givers.map((each) => post(each, 0, "start", width, title)),
    takers.map((each) => post(each, width - BAR, "end", width, title)));
}
