---What a simulation has to say, for people.

local checks = require "filo.sim.checks"
local faults = require "filo.sim.faults"
local format = require "filo.base.format"
local sorted_keys = require "filo.base.sorted_keys"
local trace = require "filo.sim.trace"

local report = {}

local MOST_VIOLATIONS, MOST_FAULTS, MOST_LINES = 10, 20, 80

local function operations(result)
  local parts = {}
  for _, kind in ipairs { "put", "get", "delete", "replicate", "evict", "amend", "rotate" } do
    local count = result.counts[kind]
    local failed = count.failed > 0 and (" (%s failed)"):format(format.number(count.failed)) or ""
    parts[#parts + 1] = ("%s %s%s"):format(kind, format.number(count.done), failed)
  end
  return table.concat(parts, ", ")
end

local function add(lines, text, ...) lines[#lines + 1] = text:format(...) end

local function add_counts(lines, counts, texts)
  for _, name in ipairs(sorted_keys(counts)) do
    add(lines, "  %-62s %9s %s", texts[name], format.number(counts[name]), counts[name] == 1 and "time" or "times")
  end
end

local function add_promises(lines, result)
  add(lines, "held:")
  add_counts(lines, result.passed, checks.PROMISES)
  if not next(result.waiting) then return end
  add(lines, "not promised yet:")
  add_counts(lines, result.waiting, checks.WAITING)
end

local function add_violations(lines, result)
  add(lines, "BROKEN:")
  for i, violation in ipairs(result.violations) do
    if i > MOST_VIOLATIONS then return add(lines, "  and %d more", #result.violations - MOST_VIOLATIONS) end
    add(lines, "  %s  %s: %s", trace.clock(violation.at), checks.PROMISES[violation.check], format.printable(violation.text))
  end
end

---@param result filo.sim.Result
---@return string
function report.text(result)
  local lines, settings = {}, result.settings
  local hours = format.count(settings.hours, "hour", "hours")
  add(lines, "%s, %s, seed %d, policy '%s'", format.count(settings.nodes, "node", "nodes"),
    result.finished and hours or ("ended after %s of %s"):format(trace.clock(result.seconds), hours), settings.seed,
    format.printable(settings.policy.name or "without a name"))
  add(lines, "faults: %s", format.number(result.faults))
  add(lines, "users: %s", operations(result))
  add(lines, "moved: %s in %s, %s of content", format.bytes(result.bytes), format.count(result.messages, "message", "messages"),
    format.bytes(result.content))
  if result.risk.at then
    add(lines, "at risk: at most %s with one good copy, of %s, at %s", format.count(result.risk.most, "object", "objects"),
      format.number(result.risk.of), trace.clock(result.risk.at))
  end
  if result.untried then add(lines, "NOT TRIED: %s, and so what is held says nothing of this policy", result.untried) end
  add_promises(lines, result)
  if result.problems.first then
    local what = settings.scheme and settings.scheme.what or "policy"
    add(lines, "the %s failed %s, first: %s", what, format.count(result.problems.count, "time", "times"),
      format.printable(result.problems.first))
  end
  if result.violations[1] then add_violations(lines, result) end
  if result.digest then add(lines, "trace: %s", result.digest) end
  return table.concat(lines, "\n") .. "\n"
end

---The fewest faults, and what happened to the object concerned.
---@param fewest filo.sim.Fault[]
---@param result filo.sim.Result  of a run with these only, whose lines were kept
---@param violation filo.sim.Violation  in that
---@return string
function report.failure(fewest, result, violation)
  local lines = {}
  add(lines, "with %s it fails, too; fewer were not found:", format.count(#fewest, "fault", "faults"))
  for i, fault in ipairs(fewest) do
    if i > MOST_FAULTS then
      add(lines, "  and %d more", #fewest - MOST_FAULTS)
      break
    end
    add(lines, "  %s  %s", trace.clock(fault.at), faults.text(fault))
  end
  add(lines, "what happened to %s:", violation.subject or "all")
  local concerned = {}
  for i = 1, violation.line do
    local line = result.lines[i]
    if not line.subject or line.subject == violation.subject then concerned[#concerned + 1] = line.text end
  end
  if #concerned > MOST_LINES then add(lines, "  (%d lines before)", #concerned - MOST_LINES) end
  for i = math.max(1, #concerned - MOST_LINES + 1), #concerned do add(lines, "  %s", concerned[i]:gsub("%%", "%%%%")) end
  return table.concat(lines, "\n") .. "\n"
end

return report
