---What is tried on purpose once all is quiet, since it seldom comes about by chance.

local ledger_parts = require("filo.sim.ledger").parts
local runtime = require "filo.core.runtime"
local task = require "filo.host.task"

local trials = {}

---An object of a machine that was stored, of which it has a good copy itself.
---@return filo.sim.Entry?, filo.sim.StoredPart?
local function stored_by(world, machine)
  for _, entry in ipairs(world.ledger.entries) do
    local first = entry.owner == machine and #entry.operations == 1 and entry.operations[1]
    for _, part in ipairs(first and first.acknowledged and first.kind == "put" and ledger_parts(entry) or {}) do
      local file = machine.disk:file(entry.namespace, part.path)
      if file and file.intact and file.fields.version == part.version then return entry, part end
    end
  end
end

---All other copies of an object of each node rot, and it is asked to evict its own: the last good one, which nobody else can prove.
---@param world filo.sim.World
---@param seconds number  that this may take
function trials.evict_last(world, seconds)
  for _, machine in ipairs(world.machines) do
    local entry, part = stored_by(world, machine)
    local node = entry and machine.run and machine.run.node
    for _, other in ipairs(node and world.machines or {}) do
      if other ~= machine and other.disk:file(entry.namespace, part.path) then other.disk:rot(entry.namespace, part.path) end
    end
    if node then task.timeout(seconds, node.evict, node, part.key) end
  end
end

---Seconds until nodes have told each other, and after which those that were apart have.
local SOON, LATER = 60, 1200

---More machines are not divided: it goes by pairs of them.
local MOST = 64

---Cuts the network in two, as odd and even machines, or mends it.
---@param change "cut"|"mend"
local function divide(world, change)
  for _, first in ipairs(world.machines) do
    for _, second in ipairs(world.machines) do
      if first.index % 2 == 1 and second.index % 2 == 0 then world.network[change](world.network, first, second) end
    end
  end
end

---The newest content of an object; nil: it cannot be read.
---@return string?
local function newest_of(face, key)
  local object <close> = face:get(key, { newest = true })
  return object and object:read "a"
end

---Two nodes that write one namespace, and are apart, store one object each, with the same key. Gives what they can read afterwards, where
---both could do that, and what they have stored.
---@return table<string, true>? read, string[]? stored
function trials.write_at_once(world, seconds)
  if #world.machines > MOST then return nil end
  local line, faces, stored = world.keyring:share(world.random:fork "shared"), {}, {}
  for i = 1, 2 do
    local run = world.machines[i] and world.machines[i].run
    faces[i] = run and run.node and run.node:accept(line, "shared")
    if not faces[i] then return nil end
  end
  runtime.sleep(SOON)
  divide(world, "cut")
  for i, face in ipairs(faces) do
    stored[i] = "what " .. world.machines[i].name .. " has to say"
    task.timeout(seconds, face.store, face, "key", stored[i]) -- not as many copies as there should be are made: it lies there all the same
  end
  divide(world, "mend")
  runtime.sleep(LATER)
  for _, face in ipairs(faces) do task.timeout(seconds, newest_of, face, "key") end -- who has an older one learns of it
  runtime.sleep(SOON)
  local read = {}
  for _, face in ipairs(faces) do -- what one has kept, the other may list later only
    for item in face:keys() do read[task.timeout(seconds, newest_of, face, item.key) or ""] = true end
  end
  return read, stored
end

return trials
