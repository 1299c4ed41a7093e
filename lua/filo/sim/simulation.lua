---One run of a simulated world: a time of faults, then a quiet one in which all must come right, then the checks.

local at_end = require "filo.host.at_end"
local faults = require "filo.sim.faults"
local new_random = require "filo.sim.random"
local new_trace = require("filo.sim.trace").new
local new_world = require "filo.sim.world"
local policy_file = require "filo.sim.policy_file"
local runtime = require "filo.core.runtime"
local workload = require "filo.sim.workload"

---@class filo.sim.Simulation
---@field world filo.sim.World
---@field schedule fun(): fun(): filo.sim.Fault?
local Simulation = {}
Simulation.__index = Simulation

---Seconds: until the nodes have found each other; for everything to come right after the hours of faults; a time in which nothing may grow.
local WARM_UP, CALM, STILL = 60, 1800, 600
---Until lines are cut again, so that what nodes tell each other when they meet is cut off, too; and until they have found each other again.
local CUTS, RECONNECT = { 0.1, 0.3, 1, 3 }, 120
---Nodes lose each other and are used for some rounds, and measured after that; several times.
local TURNS, ROUNDS = 4, 2
local BACKUP_EVERY, LOOK_EVERY = 3600, 60

---@class filo.sim.Settings
---@field policy filo.Policy
---@field scheme? filo.sim.Scheme  which the policy is of
---@field nodes integer
---@field hours number
---@field seed integer
---@field faults string[]  kinds
---@field links integer  connections of each node
---@field pause number  seconds between two things that a node's user does
---@field durability "full"|"group"|"none"
---@field rate number  how many times more faults than usual
---@field keep? boolean  the trace's lines
---@field show? fun(line: string)  is given each of them
---@field only? table<integer, boolean>  the numbers of the faults that happen; all when left out

---@param settings filo.sim.Settings
---@return filo.sim.Simulation
local function new(settings)
  local self = setmetatable({ settings = settings, happened = 0, did_happen = {}, risk = { most = 0, of = 0 }, at = 0 }, Simulation)
  self.problems = { count = 0 }
  local policy = policy_file.watched(settings.policy, self.problems)
  local world = new_world {
    seed = settings.seed, nodes = settings.nodes, links = settings.links, policy = policy, durability = settings.durability,
    scheme = settings.scheme, problems = self.problems,
    trace = new_trace { keep = settings.keep, show = settings.show },
  }
  self.world, self.counts = world, workload.counts()
  self.schedule = faults.schedule {
    random = new_random(settings.seed):fork "schedule", kinds = settings.faults, nodes = settings.nodes, from = WARM_UP,
    to = settings.hours * 3600, rate = settings.rate,
  }
  return self
end

---Notes since when nothing good is left of an object, as far as somebody looked: its end may come long after.
local function note_loss(world, entry)
  local is_left = world.atlas:is_left(entry)
  if not is_left and not entry.lost then
    world.trace:tell(nil, entry.subject, entry.subject .. ": no good copy is left anywhere")
    entry.lost = runtime.now()
  elseif is_left then
    entry.lost = nil
  end
end

---How many objects have one good copy only, or no part to spare.
local function look_for_risks(self)
  local world, alone, all = self.world, 0, 0
  for _, entry in ipairs(world.ledger.entries) do
    local first = entry.operations[1]
    if first and first.acknowledged and first.kind == "put" then
      all = all + 1
      if world.atlas:is_at_risk(entry) then alone = alone + 1 end
      note_loss(world, entry)
    end
  end
  if alone > self.risk.most then self.risk = { most = alone, of = all, at = runtime.now() } end
end

---Looks at the world now and then, and makes a backup of every disk.
local function watch(self)
  local world, next_backup = self.world, BACKUP_EVERY
  while true do
    runtime.sleep(LOOK_EVERY)
    self.at = runtime.now()
    world.checks:look_for_hangs()
    if self.at >= next_backup then
      next_backup = next_backup + BACKUP_EVERY
      look_for_risks(self)
      world:back_up()
    end
  end
end

local function run_faults(self)
  local world, only = self.world, self.settings.only
  for fault in self.schedule() do
    if not only or only[fault.number] then
      runtime.sleep(math.max(0, fault.at - runtime.now()))
      if faults.happen(world, fault) then
        self.happened = self.happened + 1
        self.did_happen[fault.number] = true
      end
    end
  end
end

---All faults are over: whoever is down is started, and gets its time.
local function calm_down(world)
  world:be_quiet()
  runtime.sleep(CALM)
end

local function settle_and_check(self)
  local world = self.world
  local checks = world.checks
  checks:look_at_all()
  local measured = {}
  for turn = 1, TURNS do
    for _, pause in ipairs(CUTS) do
      world:cut_all()
      runtime.sleep(pause)
    end
    runtime.sleep(RECONNECT)
    for _ = 1, ROUNDS do workload.round(world, self.counts) end
    runtime.sleep(STILL)
    measured[turn] = checks:measure()
  end
  checks:compare(measured)
  checks:look_for_hangs()
end

---Runs it, and waits for its end. When the wait is cancelled, `result` gives what there is so far.
---@return filo.sim.Result
function Simulation:run()
  local world = self.world
  local _ <close> = world:tune_collector()
  local task = runtime.virtual(function()
    world:start()
    world:spawn(watch, self)
    for _, machine in ipairs(world.machines) do world:spawn(workload.user, world, machine, self.counts, self.settings.pause) end
    run_faults(self)
    local rest = self.settings.hours * 3600 - runtime.now()
    if rest > 0 then runtime.sleep(rest) end
    calm_down(world)
    settle_and_check(self)
    self.at = runtime.now()
    self.finished = true
    world:stop()
  end):observe()
  local _ <close> = at_end(function()
    world:abandon()
    task:cancel()
  end)
  task:join()
  return self:result()
end

---Seconds of simulated time so far, to a minute.
---@return number
function Simulation:now() return self.at end

---@class filo.sim.Result
---@field finished boolean
---@field digest? string  of all that happened: the same seed gives the same
---@field violations filo.sim.Violation[]
---@field risk {most: integer, of: integer, at: number?}  the most objects with one good copy only that were seen at a time
---@field problems filo.sim.Problems  failures of the policy, or the scheme
---@field untried? string  why what held says nothing about the policy

---Why what held says nothing about the policy.
---@return string?
local function why_untried(self)
  local put = self.counts.put
  if not self.world.any_started then return "no node has started" end
  if put.done > 0 then return nil end
  return put.failed > 0 and "no store has reached its quorum" or "nobody has stored anything in this time"
end

---What there is so far.
---@return filo.sim.Result
function Simulation:result()
  local world = self.world
  return {
    settings = self.settings, finished = self.finished == true, violations = world.checks.violations, waiting = world.checks.waiting,
    passed = world.checks.passed, counts = self.counts, faults = self.happened, did_happen = self.did_happen, schedule = self.schedule,
    messages = world.network.messages, bytes = world.network.bytes, content = world.network.content, objects = #world.ledger.entries,
    seconds = self.at, risk = self.risk, problems = self.problems, untried = self.finished and why_untried(self) or nil,
    lines = world.trace.lines, digest = self.finished and world.trace:digest() or nil,
  }
end

return new
