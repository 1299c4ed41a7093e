---What users do in a simulated world: each node stores, reads, amends, deletes and evicts objects of its own, one thing at a time with
---each, and changes its keys.

local format = require "filo.base.format"
local runtime = require "filo.core.runtime"
local task = require "filo.host.task"

local workload = {}

local KEYS = 12

---So long one operation of a round may take.
local ROUND_SECONDS = 600

---Kinds of operations and how often each is drawn.
local SHARES = {
  { "put", 0.5 }, { "get", 0.3 }, { "delete", 0.1 }, { "replicate", 0.05 }, { "evict", 0.03 }, { "amend", 0.015 }, { "rotate", 0.005 },
}

local function draw_kind(random)
  local unit = random:unit()
  for _, share in ipairs(SHARES) do
    unit = unit - share[2]
    if unit < 0 then return share[1] end
  end
  return "put"
end

---Mostly small ones.
local function draw_size(random)
  local unit = random:unit()
  if unit < 0.6 then return random:integer(40, 400) end
  if unit < 0.9 then return random:integer(400, 20000) end
  return random:integer(20000, 65000)
end

local operations = {}

local function tell(world, entry, text, ...) world.trace:tell(entry.owner.name, entry.subject, text:format(...)) end

---What an owner makes may be no newer than what it has forgotten: its disk was lost, or it has evicted its copy, and its clock went back.
local function acknowledge(world, entry, operation, receipt)
  world.checks:receipt(entry, receipt)
  world.ledger:acknowledge(entry, operation, receipt, function(part)
    return world.atlas:has_rival(entry.namespace, part.path, part.version)
  end)
end

---Of one in parts, of the first of them.
local function copies_of(receipt)
  while not receipt.copies do receipt = receipt[1] end
  return receipt.copies
end

---What the users of a machine call: the scheme's, where it has one, in place of the node's.
local function call_of(machine, name, own)
  local part = machine.run and machine.run.part
  return part and part.calls[name] or own
end

function operations.put(world, node, entry, random)
  local operation = world.ledger:begin(entry, "put", draw_size(random))
  tell(world, entry, "put %s #%d, %d bytes", entry.key, operation.number, operation.size)
  local put = call_of(entry.owner, "put", node.store)
  local receipt, err = put(node, entry.key, world.ledger:content(entry, operation))
  if receipt then acknowledge(world, entry, operation, receipt) end
  local what = receipt and format.count(#copies_of(receipt), "copy", "copies") or tostring(err)
  tell(world, entry, "put %s #%d: %s", entry.key, operation.number, what)
  return receipt ~= nil
end

function operations.delete(world, node, entry)
  local operation = world.ledger:begin(entry, "delete")
  tell(world, entry, "delete %s #%d", entry.key, operation.number)
  local receipt, err = call_of(entry.owner, "delete", node.delete)(node, entry.key)
  if receipt then acknowledge(world, entry, operation, receipt) end
  if not receipt and err.code == "not_found" then world.ledger:withdraw(entry) end
  local told = receipt and "told to " .. format.count(#copies_of(receipt) - 1, "peer", "peers")
  tell(world, entry, "delete %s #%d: %s", entry.key, operation.number, told or tostring(err))
  return receipt ~= nil or err.code == "not_found"
end

local function read_once(machine, node, key, newest)
  local object, err = call_of(machine, "get", node.get)(node, key, { newest = newest })
  if not object or type(object) == "string" then return object, err end -- a scheme may put it together
  local _ <close> = object
  return object:read "a"
end

---Reads all of it: the content, or nil and why there is none. What turns out to be bad while it is read is read again, where that may help.
---@param machine filo.sim.Machine  its node runs
---@param newest boolean  peers are asked, too, when a copy is here
function workload.read(machine, key, newest)
  local node = machine.run.node
  local content, err = read_once(machine, node, key, newest)
  if content or err.code ~= "corrupt" or not err.retryable then return content, err end
  return read_once(machine, node, key, newest)
end

function operations.get(world, _, entry, random)
  local since, newest = runtime.now(), random:chance(0.5)
  local content, err = workload.read(entry.owner, entry.key, newest)
  tell(world, entry, "get %s: %s", entry.key, content and #content .. " bytes" or tostring(err))
  world.checks:read(entry, since, newest, content, err)
  return content ~= nil
end

function operations.replicate(world, node, entry)
  local receipt, err = node:replicate(entry.key)
  if receipt then world.checks:receipt(entry, receipt) end
  tell(world, entry, "replicate %s: %s", entry.key, receipt and format.count(#receipt.copies, "copy", "copies") or tostring(err))
  return receipt ~= nil
end

function operations.evict(world, node, entry)
  local ok, err = node:evict(entry.key)
  tell(world, entry, "evict %s: %s", entry.key, ok and "done" or tostring(err))
  return ok ~= nil
end

---The same content, with another class.
function operations.amend(world, node, entry, random)
  local receipt, err = node:amend(entry.key, { class = random:integer(0, 255) })
  if receipt then world.checks:receipt(entry, receipt) end
  tell(world, entry, "amend %s: %s", entry.key, receipt and format.count(#receipt.copies, "copy", "copies") or tostring(err))
  return receipt ~= nil
end

---New keys for all that the node stores.
function operations.rotate(world, node, entry)
  local rotation, err = node:rotate { wait = false }
  tell(world, entry, "rotate: %s", rotation and format.count(rotation.left, "object", "objects") or tostring(err))
  return rotation ~= nil
end

local function perform(world, run, counts, kind, entry, random)
  local _ <close> = world:operate(kind, entry)
  local outcome = operations[kind](world, run.node, entry, random) and "done" or "failed"
  counts[kind][outcome] = counts[kind][outcome] + 1
end

---The user of a machine, until the world is to be quiet. What he wants, and when, does not depend on what happens: a fault that is left out
---changes nothing of it.
---@param counts table  as `counts` makes it
---@param pause number  seconds between two operations, on the average
function workload.user(world, machine, counts, pause)
  local random, drawn = machine.random:fork "user", 0
  runtime.sleep(random:wait(pause))
  while not world.quiet do
    local run, kind, entry = machine.run, draw_kind(random), world.ledger:entry(machine, "key" .. random:integer(1, KEYS))
    drawn = drawn + 1
    if run and run.node and not world:is_busy(entry) then
      run:spawn(perform, world, run, counts, kind, entry, random:fork("operation " .. drawn))
    end
    runtime.sleep(random:wait(pause))
  end
end

---What each node does once with an object of its own: the same every time, so that afterwards there is no more of anything than before.
function workload.round(world, counts)
  for _, machine in ipairs(world.machines) do
    local run, entry = machine.run, world.ledger:entry(machine, "key1")
    for _, share in ipairs(run and run.node and not world:is_busy(entry) and SHARES or {}) do
      local random = world.random:fork(("round %s %d"):format(entry.subject, entry.count))
      task.timeout(ROUND_SECONDS, perform, world, run, counts, share[1], entry, random)
    end
  end
end

---@return table  done and failed of each kind
function workload.counts()
  local counts = {}
  for _, share in ipairs(SHARES) do counts[share[1]] = { done = 0, failed = 0 } end
  return counts
end

return workload
