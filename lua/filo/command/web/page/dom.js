// Elements. What a node tells, names of keys and members too, may be anything: it becomes text, and nothing else.

const SVG = "http://www.w3.org/2000/svg";

// What is not seen, or changes how what follows is seen: controls, marks of direction, joiners, halves of characters.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const PILED = /(\p{M}{3})\p{M}+/gu;

// A text as it may be shown: what is not seen as its number, and, with `most`, no longer than that.
export function shown(text, most = 5000) {
  let whole = String(text).replace(UNSEEN, (char) => `\\u{${char.codePointAt(0).toString(16)}}`).replace(PILED, "$1…");
  const chars = [...whole];
  if (chars.length > most) whole = `${chars.slice(0, most - 1).join("")}…`;
  return whole;
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false || value === null) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

// An element: el("p", { class: "dim", click: fn }, "text", another, ...).
export function el(tag, properties = {}, ...children) { return fill(document.createElement(tag), properties, children); }

export function svg(tag, properties = {}, ...children) { return fill(document.createElementNS(SVG, tag), properties, children); }

// A name that somebody else has chosen: what direction it is written in changes nothing around it.
export function name(text, most) { return el("bdi", { class: "name" }, shown(text, most)); }

// One that is short, and is cut where it is not: of a zone.
export function brief(text, most = 20) {
  if (typeof text !== "string" || text === "") return el("span", { class: "dim" }, "–");
  return el("bdi", { class: "brief" }, shown(text, most));
}

export function code(text) { return el("code", {}, shown(text)); }

export function pill(kind, ...children) { return el("span", { class: `pill ${kind}` }, ...children); }

// A bar, for who sees it; a text says the same beside it.
export function bar(value, most, label) {
  return el("progress", { value: Math.max(0, Math.min(value, most)), max: most > 0 ? most : 1, "aria-label": label });
}

// A table. On a narrow screen its rows become blocks, so roles are said. columns: { title, number, hidden }; a row's first cell names it.
export function table(caption, columns, rows) {
  const heads = columns.map((column) => el("th", { scope: "col", role: "columnheader", class: column.number ? "number" : undefined },
    column.hidden ? el("span", { class: "hidden" }, column.title) : column.title));
  const lines = rows.map((row) => el("tr", { role: "row" }, row.map((cell, i) => i === 0
    ? el("th", { scope: "row", role: "rowheader" }, cell)
    : el("td", {
      role: "cell", class: columns[i].number ? "number" : undefined, "data-title": columns[i].hidden ? undefined : columns[i].title,
    }, cell !== "" && el("div", {}, cell)))));
  return el("table", { role: "table" },
    el("caption", { class: "hidden" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads)),
    el("tbody", { role: "rowgroup" }, lines));
}

// Facts: [title, what] of each; those without a what are left out.
export function facts(list) {
  return el("dl", { class: "facts" }, list.filter((fact) => fact && fact[1] !== undefined && fact[1] !== null)
    .map(([title, ...what]) => el("div", {}, el("dt", {}, title), el("dd", {}, ...what))));
}

// Puts something in place of what a part of the page shows. What has the focus there keeps it, by its data-id.
export function show(id, ...children) {
  const place = document.getElementById(id);
  const active = place.contains(document.activeElement) ? document.activeElement.dataset.id : undefined;
  place.replaceChildren(...children.flat(Infinity).filter((child) => child));
  if (active) place.querySelector(`[data-id="${CSS.escape(active)}"]`)?.focus();
}

export function byId(id) { return document.getElementById(id); }
