// A plan: what would move, before it is applied, and how far an applied one is.

import { get, post } from "/page/ask.js";
import { confirm } from "/page/confirm.js";
import { why_table } from "/page/copies.js";
import { bar, byId, el, name, pill, show, table } from "/page/dom.js";
import { draw } from "/page/draw.js";
import { bytes, count, date, lasting, number, short } from "/page/words.js";

let plan, names = new Map();

function title(id) { return names.get(id) ?? short(id); }

function ways(moves) {
  return table("What moves", [{ title: "From" }, { title: "To" }, { title: "Copies", number: true }, { title: "Bytes", number: true }],
    moves.map((move) => [name(title(move.from), 60), name(title(move.to), 60), number(move.objects), bytes(move.bytes)]));
}

function holders(members) {
  const most = Math.max(1, ...members.flatMap((member) => [member.bytes, member.bytes_after]));
  const rows = members.map((member) => [
    el("div", { class: "who" }, name(title(member.node), 60), el("code", { class: "dim" }, short(member.node))),
    [bar(member.bytes, most, "now"), el("div", {}, `${number(member.objects)}, ${bytes(member.bytes)}`)],
    [bar(member.bytes_after, most, "after"), el("div", {}, `${number(member.objects_after)}, ${bytes(member.bytes_after)}`)],
    member.why ? name(member.why, 200) : member.full ? [pill("bad", "does not fit"), ` ${bytes(member.free)} free`] : "",
  ]);
  const columns = [{ title: "Member" }, { title: "Copies now" }, { title: "Copies after" }, { title: "Note", hidden: true }];
  return table("What members have, now and after", columns, rows);
}

function sum(made) {
  const time = made.seconds ? `, which takes ${lasting(made.seconds)} at the rate that this node keeps to` : "";
  return `${count(made.moving, "copy", "copies")} of ${bytes(made.moving_bytes)} would be made${time}`;
}

async function apply(after) {
  const made = plan;
  const sure = await confirm({
    title: [`Apply plan ${made.id}?`], yes: "Apply the plan",
    text: [
      el("p", {}, `${sum(made)}:`),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "What moves" }, ways(made.moves)),
      el("p", {}, "Each copy is made before another goes, which the member that has it drops by itself. It goes on after a restart, "
        + "and can be paused and taken back."),
    ],
  });
  if (sure) after(() => post("apply", { plan: made.id }));
}

function show_plan(after) {
  if (!plan) return show("plan-shown");
  const lines = [
    el("h3", {}, "Plan ", el("code", {}, plan.id)),
    el("p", {}, "Under the policy ", name(plan.policy, 120), `, ${count(plan.objects, "object", "objects")} here, ${bytes(plan.bytes)}.`),
    plan.below > 0 && el("p", {}, pill("warn", number(plan.below)), " below their number of copies: these are made by themselves."),
    plan.lacking > 0 && el("p", {}, pill("bad", number(plan.lacking)), " of which the policy cannot be met by these members."),
  ];
  if (plan.moving === 0) {
    show("plan-shown", lines, el("p", {}, pill("good", "in place"), " Nothing would move."), holders(plan.members));
    return;
  }
  const width = Math.max(240, Math.min(560, byId("plan-shown").clientWidth || 560));
  show("plan-shown", lines, el("p", {}, `${sum(plan)}.`),
    el("div", { class: "drawn" }, el("figure", {}, draw(plan.moves, width, title)), el("div", {}, ways(plan.moves))),
    holders(plan.members),
    el("p", {}, el("button", { type: "button", class: "do", "data-id": "apply", click: () => apply(after) }, "Apply this plan…")));
}

const STATES = {
  moving: ["calm", "being applied"], paused: ["warn", "paused"], reverting: ["warn", "being taken back"], done: ["good", "applied"],
  reverted: ["calm", "taken back"],
};

const TEXTS = {
  pause: "Nothing more is moved until it goes on. What was moved stays.",
  continue: "Copies are moved again, as the plan says.",
  revert: "What was moved is brought back to where it was, and copies that were made for the plan go.",
};

function changer(change, words, of, after) {
  return el("button", {
    type: "button", class: "quiet", "data-id": change,
    click: async () => {
      const sure = await confirm({
        title: [`${words}: plan ${of.plan}?`], yes: words,
        text: [
          el("p", {}, `${number(of.made)} of ${count(of.total, "copy", "copies")} were made, ${bytes(of.bytes)}.`),
          el("p", {}, TEXTS[change]),
        ],
      });
      if (sure) after(() => post("apply", { [change]: true }));
    },
  }, `${words}…`);
}

export function is_under_way(of) { return of !== undefined && (of.what === "moving" || of.what === "reverting"); }

export function show_applied(of, after) {
  if (!of) return show("applied");
  const [kind, words] = STATES[of.what] ?? ["calm", of.what];
  show("applied", el("div", { class: "box" },
    el("p", {}, "Plan ", el("code", {}, of.plan), " ", pill(kind, words), `, begun ${date(of.time)}`),
    el("p", {}, bar(of.made, of.total, "copies made"), ` ${number(of.made)} of ${count(of.total, "copy", "copies")}, ${bytes(of.bytes)}`),
    why_table(of.reasons, "Why copies were not made"), of.problem && el("p", {}, name(of.problem, 400)),
    el("p", { class: "buttons" }, of.what === "moving" && changer("pause", "Pause", of, after),
      of.what === "paused" && changer("continue", "Go on", of, after),
      (of.what === "moving" || of.what === "paused" || of.what === "done") && changer("revert", "Take it back", of, after))));
}

export function begin_plan(after, called) {
  byId("make-plan").addEventListener("click", async () => {
    byId("plan-state").textContent = "asking the members…";
    try {
      plan = await get("plan");
      names = new Map(plan.members.map((member) => [member.node, member.name ?? called(member.node)]));
      byId("plan-state").textContent = "";
      show_plan(after);
      byId("plan-shown").focus();
    } catch (err) {
      byId("plan-state").textContent = err.message;
    }
  });
  addEventListener("resize", () => plan && show_plan(after));
}

// What has been applied is no plan any more.
export function drop_plan(after) {
  plan = undefined;
  show_plan(after);
}
