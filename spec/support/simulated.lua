---Nodes on simulated machines, with a simulated network between them: on virtual time, so that what waits for a deadline takes no longer
---than computing it, and the deadlines are the real ones. A chunk has 4 KiB, a line 1 MiB/s; content up to 512 bytes comes with its record.
---What spec/support/nodes.lua does with a node, it does with these, too.
---
---    it("...", simulated(function(net, host)
---      local a, b = net:cluster(2)                  -- "a" has dialled the others; all are connected
---      local c = net:start("c", { about = ... })    -- options of filo.node beside those of every node here
---      net:cut("a", "b")                            -- nothing that they send arrives; net:mend
---      net:machine("b"):crash(true)                 -- its power goes; what else machines and disks do: lua/filo/sim
---      host.sleep(60)                               -- what happens within a minute has happened
---    end))

local everywhere = require("filo.placement.everywhere")()
local new_trace = require("filo.sim.trace").new
local new_world = require "filo.sim.world"
local new_bell = require "spec.support.bell"
local nodes = require "spec.support.nodes"
local virtual = require "spec.support.virtual"

local MACHINES, START_SECONDS = 6, 10

---@class spec.SimulatedNet
local Net = {}
Net.__index = Net

---A machine, on which there may be a node: "a" is the first one.
---@return filo.sim.Machine
function Net:machine(name) return self.world.machines[name:byte() - 96] or error("there is no machine " .. name, 2) end

local function complete(self, name, given)
  local options = {
    bootstrap = {}, cluster = nodes.SECRET, durability = "none", about = {},
    log = function(level, message) table.insert(self.lines, ("%s %s: %s"):format(name, level, message)) end,
  }
  for option, value in pairs(given or {}) do options[option] = value end
  return options
end

---Starts a node.
---@return filo.Node
function Net:start(name, given)
  local machine = self:machine(name)
  machine.options = complete(self, name, given)
  return self:restart(name)
end

---Starts several nodes, each with a letter of `names` for its own, which join by the address of the first. Gives that one.
---@return filo.Node
function Net:start_all(names, options)
  local first
  for name in names:gmatch "." do
    local given = { bootstrap = first and { first.address } or nil }
    for option, value in pairs(options or {}) do given[option] = value end
    local node = self:start(name, given)
    first = first or node
  end
  return first
end

---Starts a node again, as it was before. What ran there until now ends at once.
---@return filo.Node
function Net:restart(name)
  local machine = self:machine(name)
  machine:crash(false)
  machine:start()
  local run = machine.run
  return self.bell:wait(START_SECONDS, function() return run.node end) or error(("node %s does not start"):format(name), 2)
end

---Stops a node in order.
function Net:stop(name) self:machine(name):stop() end

---Nothing that two machines send each other arrives until they are mended: it is late then, or the connection is lost.
function Net:cut(first, second)
  self.world.network:cut(self:machine(first), self:machine(second))
end

function Net:mend(first, second)
  self.world.network:mend(self:machine(first), self:machine(second))
end

Net.cluster = nodes.cluster

---How many lines of the nodes' logs match the pattern.
---@return integer
function Net:logged(pattern)
  local count = 0
  for _, line in ipairs(self.lines) do
    if line:find(pattern) then count = count + 1 end
  end
  return count
end

function Net:close() self.world:stop() end

Net.__close = Net.close

---@param fn fun(net: spec.SimulatedNet, host: filo.Host)
return function(fn)
  return virtual(function(host)
    local bell = new_bell()
    local world = new_world {
      seed = 1, nodes = MACHINES, links = 0, policy = everywhere, trace = new_trace {}, on_start = function() bell:ring() end,
    }
    world.limits.late = 5 -- as in the real world: it takes no time here
    local net <close> = setmetatable({ world = world, bell = bell, lines = {} }, Net)
    fn(net, host)
  end)
end
