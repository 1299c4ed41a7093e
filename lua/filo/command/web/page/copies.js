// What is below its number of copies, and why; and where the copies of one object are.

import { get } from "/page/ask.js";
import { brief, byId, code, el, facts, name, pill, show, table } from "/page/dom.js";
import { bytes, count, date, lasting, number, reasons, short } from "/page/words.js";

export function why_table(of, title) {
  const rows = reasons(of).map(([reason, objects]) => [name(reason, 300), number(objects)]);
  return rows.length > 0 && table(title, [{ title: "Why" }, { title: "Objects", number: true }], rows);
}

function wanted(status) {
  if (!status.wanted?.count) return undefined;
  const rows = status.wanted.list.map((each) => [
    each.key ? name(each.key, 200) : code(short(each.key_hash)), name(each.problem ?? "", 300), `in ${lasting(each.next)}`,
  ]);
  return [
    el("p", {}, pill("bad", count(status.wanted.count, "copy", "copies")), " bad here, of which no other was to be had yet"),
    table("Copies that are bad here", [{ title: "Object" }, { title: "Why" }, { title: "Tried again" }], rows),
  ];
}

export function show_short(status) {
  const { report, held, next } = status.copies;
  const soon = typeof next === "number" ? `in ${lasting(next)}` : "soon";
  const parts = [];
  if (held) parts.push(el("p", {}, pill("warn", "held"), " nothing is made anew: ", name(held, 300)));
  if (!report) parts.push(el("p", {}, `Looked after ${soon}.`));
  else if (report.short === 0) {
    const objects = count(report.objects, "object", "objects");
    parts.push(el("p", {}, pill("good", "complete"), ` ${objects}, all with as many copies as they should have.`));
  } else {
    const objects = count(report.objects, "object", "objects");
    parts.push(el("p", {}, pill("bad", number(report.short)), ` of ${objects} below their number of copies:`),
      why_table(report.reasons, "Why copies are missing"));
  }
  if (report) {
    const surplus = report.surplus > 0 ? ` ${count(report.surplus, "copy", "copies")} too many here, for now.` : "";
    parts.push(el("p", { class: "dim" }, `Looked at ${date(report.time)}, again ${soon}.${surplus}`));
  }
  show("short", parts, wanted(status));
}

// One object -----------------------------------------------------------------------------------------------------------------

function state(copy, version) {
  if (copy.problem) return [pill(copy.unwanted ? "calm" : "bad", copy.unwanted ? "none" : "missing"), " ", name(copy.problem, 300)];
  if (copy.version < version) return [pill("warn", "old"), " it has an earlier version"];
  if (copy.version > version) return copy.deleted ? [pill("warn", "deleted there")] : [pill("warn", "newer"), " it has a later version"];
  if (!copy.verified) return [pill("good", "there"), " not verified yet"];
  return [pill("good", "good"), ` verified ${date(copy.verified)}`];
}

function place(copy, is_first) {
  const unnamed = el("span", { class: "dim" }, is_first ? "this node" : "without a name");
  return el("div", { class: "who" }, copy.name ? name(copy.name, 80) : unnamed, el("code", { class: "dim" }, short(copy.node)),
    copy.name && is_first && el("span", { class: "dim" }, "this node"));
}

function survey_of(survey) {
  const item = survey.item;
  const good = survey.copies.filter((copy) => copy.version === item.version).length;
  const wants = survey.quorum + (survey.unreached?.length ?? 0);
  const rows = survey.copies.map((copy, i) => [
    place(copy, i === 0), brief(copy.zone),
    i === 0 ? "here" : copy.state === "up" || !copy.state ? "connected" : name(copy.state, 20), state(copy, item.version),
  ]);
  for (const address of survey.unreached ?? []) rows.push([name(address, 120), "–", "not connected", ""]);
  return [
    el("h4", { class: "key" }, name(item.key)),
    facts([
      ["Size", bytes(item.size)], ["Stored", date(item.version / 1e6)], ["Policy", name(survey.policy, 120)],
      ["Copies", pill(good < wants ? "bad" : "good", number(good)), ` of ${wants} wanted`],
      survey.lacking && ["Not met", name(survey.lacking, 300)],
      survey.wanted && ["Bad here", name(survey.wanted.problem, 300), `; again in ${lasting(survey.wanted.next)}`],
    ]),
    table("Copies", [{ title: "Where" }, { title: "Zone" }, { title: "State" }, { title: "Copy" }], rows),
  ];
}

// What was asked for last counts, whichever answer comes last.
let looked = 0, asked = 0;

async function look(query) {
  const turn = ++looked;
  let found;
  try {
    found = survey_of(await get("placement", query));
  } catch (err) {
    found = el("p", { role: "alert" }, name(err.message, 500));
  }
  if (turn !== looked) return;
  show("why", found);
  byId("why").focus();
}

// One of the names. What is no text is asked for by its bytes.
function entry(item) {
  const query = item.key_hex ? { hex: item.key_hex } : { key: item.key };
  return el("li", {}, el("button", { type: "button", class: "entry", "data-id": item.key_hex ?? item.key, click: () => look(query) },
    name(item.key, 160), el("span", { class: "dim" }, bytes(item.size))));
}

const MOST = 20; // that the node gives

async function list(prefix) {
  const turn = ++asked;
  try {
    const found = await get("keys", { prefix });
    if (turn !== asked) return;
    byId("names-count").textContent = found.length === 0 ? "No name here begins so."
      : found.length === MOST ? `The first ${MOST} names that begin so:` : `${count(found.length, "name begins", "names begin")} so:`;
    show("names", found.map(entry));
  } catch (err) {
    if (turn === asked) byId("names-count").textContent = err.message;
  }
}

export function list_again() { list(byId("key").value); }

export function begin_find() {
  let timer;
  byId("key").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(list_again, 250);
  });
  byId("find").addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("key").value !== "") look({ key: byId("key").value });
  });
  list("");
}
