// What lies here, for whom, within which bounds; what moves, and how fast; how it is looked after.

import { bar, el, facts, name, pill, show, table } from "/page/dom.js";
import { called } from "/page/members.js";
import { bytes, count, date, lasting, number, short } from "/page/words.js";

function tile(title, what, ...more) {
  const lines = more.map((each) => each && el("p", { class: "dim" }, each));
  return el("div", { class: "tile" }, el("h2", {}, title), el("p", { class: "big" }, what), lines);
}

function rate(way, status) {
  const most = status.rates[`most_${way}`];
  return `${way} ${bytes(status.rates[way])}/s${most ? ` of ${bytes(most)}/s` : ""}`;
}

export function show_glance(status) {
  const report = status.copies.report;
  const copies = !report ? el("span", { class: "dim" }, "not looked at yet") : report.short === 0 ? pill("good", "complete")
    : pill("bad", `${number(report.short)} below`);
  const { all, connected } = status.members;
  const used = status.total !== undefined ? status.total - status.free : undefined;
  show("glance",
    tile("Copies", copies, report && `${count(report.objects, "object", "objects")} looked at`),
    tile("Members", pill(connected === all ? "good" : "bad", `${connected} of ${all}`), "connected, beside this node"),
    tile("Space", status.free === undefined ? "?" : bytes(status.free),
      used !== undefined && bar(used, status.total, "used"), status.total !== undefined && `free of ${bytes(status.total)}`),
    tile("Moving", status.moving.length === 0 ? "nothing" : count(status.moving.length, "copy", "copies"), rate("up", status),
      rate("down", status)));
}

const WORDS = { store: "storing", copy: "copying to", fetch: "fetching", check: "checking the copy at" };

export function show_moving(status) {
  const rows = status.moving.map((each) => [
    each.key ? name(each.key, 160) : "a copy for another", [WORDS[each.what] ?? name(each.what), " ", each.peer && called(each.peer)],
    each.size ? [bar(each.bytes, each.size, "moved"), el("div", {}, `${bytes(each.bytes)} of ${bytes(each.size)}`)] : bytes(each.bytes),
  ]);
  show("moving-list",
    rows.length === 0 ? el("p", { class: "dim" }, "Nothing moves.")
      : table("What moves now", [{ title: "Object" }, { title: "What" }, { title: "How far" }], rows),
    facts([["Sent", rate("up", status)], ["Received", rate("down", status)]]));
}

function quota(usage) {
  if (usage.limit === undefined) return el("span", { class: "dim" }, "none");
  const over = usage.counted > usage.limit;
  return [bar(usage.counted, usage.limit, "of the quota"), el("div", {}, `${bytes(usage.counted)} of ${bytes(usage.limit)} `,
    over && pill("bad", "full: nothing new is taken"))];
}

function whose(usage, status) {
  if (usage.owner === status.namespace) return "this node's own";
  if (usage.owner) return ["for ", el("code", { title: usage.owner }, short(usage.owner))];
  if (usage.member) return ["from ", called(usage.member)];
  return usage.trash ? "in the trash" : "for others, in all";
}

export function show_stores(status, usage) {
  const list = [...status.stored.filter((each) => each.owner === status.namespace), ...usage];
  const rows = list.map((each) => [
    whose(each, status), number(each.objects), bytes(each.bytes),
    each.versions ? `${number(each.versions)}, ${bytes(each.version_bytes)}` : "", number(each.deleted ?? 0),
    each.owner === status.namespace ? "" : quota(each),
  ]);
  const columns = [
    { title: "Whose" }, { title: "Objects", number: true }, { title: "Bytes", number: true }, { title: "Old versions", number: true },
    { title: "Deletions", number: true }, { title: "Quota" },
  ];
  const { state, seen } = status.catalogue;
  const catalogue = state === "failed" ? "not usable: the log tells why" : `being made, ${count(seen, "object", "objects")} so far`;
  show("stores-list", !status.counted && el("p", {}, pill("warn", "not known yet"), ` the catalogue is ${catalogue}`),
    rows.length > 0 ? table("What lies here", columns, rows) : status.counted && el("p", { class: "dim" }, "Nothing lies here yet."));
}

function found(of) {
  const bad = of.bad > 0 ? [", ", pill("bad", `${number(of.bad)} bad`), `, ${number(of.healed)} healed`] : ", none bad";
  return [`${count(of.objects, "object", "objects")}, ${bytes(of.bytes)}`, bad];
}

function scrub(status) {
  const { round, last, every } = status.scrub;
  const done = round && round.left !== undefined ? round.objects + round.left : undefined;
  return [
    ["Scrub", !every ? "off: only 'filo verify --all' does it" : `all is read again within ${lasting(every)}`],
    round && ["This round", `since ${date(round.began)}: `, found(round), done && bar(round.objects, done, "read"),
      done && `${number(round.left)} left`],
    last && ["Last round", `ended ${date(last.began + last.seconds)}: `, found(last)],
  ];
}

function trash(of) {
  if (of.objects === 0) return "empty";
  return `${count(of.objects, "object", "objects")}, ${bytes(of.bytes)}: gone after ${of.hours} h, or when the room is needed`;
}

export function show_upkeep(status) {
  show("upkeep-list", facts([
    ...scrub(status),
    status.trash && ["Trash", trash(status.trash)],
    status.bad && ["Set aside as bad", status.bad.count === 0 ? "none"
      : [pill("warn", number(status.bad.count)), ` ${bytes(status.bad.bytes)}`]],
    ...status.rotations.map((each) => ["Rotation", name(each.namespace), ` ${count(each.left, "object", "objects")} left`]),
    ["Policy", name(status.policy, 200)],
    ["Memory", status.memory ? bytes(status.memory) : "not known"],
    ["Root", name(status.root, 300)],
    ["Version", `${status.version}, for ${lasting(status.uptime)}`],
  ]));
}
