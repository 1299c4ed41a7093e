---A policy in a file: what is wrong with it is told, with file and line.

local described = require "filo.placement.described"
local policy_file = require "filo.sim.policy_file"
local refused = require "spec.support.refused"
local sim = require "filo.sim"
local temp = require "spec.support.temp"

describe("a policy file", function()
  local folder

  setup(function() folder = temp.folder() end)
  teardown(function() folder:remove() end)

  local function load(text)
    local scheme, err = sim.load(folder:write("policy.lua", text))
    return scheme and scheme.policy, err
  end

  it("gives its policy, which may use the policies that come with Filo", function()
    local policy = assert(load [[
      local filo = require "filo"
      local two = filo.policy.copies(2)
      return { name = "mine", place = two.place, quorum = 1, accept = function(offer) return offer.size < 1000 end }
    ]])
    assert.equal("mine", policy.name)
    assert.is_true(sim.run({ policy = policy, nodes = 3, hours = 1, faults = {} }).counts.put.done > 0)
  end)

  -- In the simulator the copies of who takes on what he likes were looked after by himself alone.
  it("can be told to others in plain data as far as it could be before it was watched", function()
    local own = assert(load [[
      local policy = require("filo").policy.without("edge", require("filo").policy.copies(3))
      function policy.accept(offer) return offer.size < 1000 end
      return policy
    ]])
    local watched = policy_file.watched(own, { count = 0 })
    assert.same({ "without", "edge", { "copies", 3 } }, described.spec_of(watched))
    assert.not_equal(own.accept, watched.accept)
    assert.is_nil(described.spec_of(policy_file.watched({ name = "mine", place = function() return {} end }, { count = 0 })))
  end)

  it("is told what is wrong with it", function()
    for text, expected in pairs {
      ["return {"] = "policy.lua:1: unexpected symbol",
      ["return 42"] = "policy.lua must return a policy, a table of functions, not a number",
      ["\nerror 'no'"] = "policy.lua:2: no",
      ["while true do end"] = "policy.lua:1: stopped: it computed for too long without waiting",
      ["return { plaec = print }"] = "policy.lua: policy: unknown field 'plaec'; did you mean 'place'?",
      ["return { place = function() end }"] = "policy (", ["return {}"] = "policy.lua: policy: it has no name",
      ["return { place = 1 }"] = "policy.lua: policy: 'place' must be a function, not 1",
      ["return { name = 'x', place = function() end }"] = "policy.lua:1: place must return a list of members, not nil",
      ["return { name = 'x', place = function() return { 7 } end }"] =
        "policy.lua:1: place must return a list of the members that it was given; there is 7 at 1",
      ["return { name = 'x', place = function(_, p) return p, -1 end }"] =
        "policy.lua:1: place must return a number of members as its second result, not -1",
      ["return { name = 'x', quorum = function() return 'all' end,\nplace = function(_, p) return p end }"] =
        "policy.lua:1: quorum must return an integer, not all",
      ["return { name = 'x', accept = function() end }"] = "policy.lua:1: accept must return true or false, not nil",
      ["return { name = 'x', place = function(_, p)\nreturn p[1].nothing.at.all end }"] = "policy.lua:2: attempt to index a nil value",
      ["local f = io.open 'x'"] = "policy.lua:1: a policy only decides: it cannot use io.open",
      ["os.execute 'true'"] = "policy.lua:1: a policy only decides: it cannot use os.execute",
      ["require 'filo.core.net'"] = "policy.lua:1: a policy only decides: it cannot use the module 'filo.core.net'",
      ["require('filo').sleep(1)"] = "policy.lua:1: a policy only decides: it cannot use filo.sleep",
      ["require('filo').run { 'ls' }"] = "policy.lua:1: a policy only decides: it cannot use filo.run",
      ["return { name = 'x', place = function(_, p) return p, math.random(3) end }"] =
        "policy.lua:1: a policy only decides: it cannot use math.random",
      ["return { name = 'x', place = function() while true do end end }"] =
        "policy.lua:1: stopped: it computed for too long without waiting",
      ["while true do pcall(function() while true do end end) end"] = "policy.lua:1: stopped: it computed for too long without waiting",
      ["\nerror('not enough memory', 0)"] = "policy.lua: not enough memory", -- as Lua raises it
      ["\nreturn { name = 'x', place = function() error('no place', 0) end }"] = "policy.lua:2: no place",
      ["\nreturn { name = 'x', place = function() error({}) end }"] = "policy.lua:2: a table that cannot be shown",
      ["return { name = 'x', place = function()\nlocal mine = require 'my.helpers' end }"] =
        "policy.lua:2: a policy only decides: it cannot use the module 'my.helpers'",
      ["return { name = 'x', place = function() return { {} } end }"] =
        "policy.lua:1: place must return a list of the members that it was given; there is a table at 1",
      ["setmetatable({}, { __gc = print })"] = "policy.lua:1: a policy only decides: it cannot use __gc",
      ["local t = {}\nfor _ in pairs { [t] = 1, [{}] = 2 } do end"] =
        "policy.lua:2: keys that are neither numbers nor texts have no order that is the same in each run: take a peer's id as the key",
      ["next({ [{}] = 1, [print] = 2 })"] = "policy.lua:1: keys that are neither numbers nor texts have no order",
      ["return { quorum = 1.5 }"] = "policy.lua: policy: 'quorum' must be an integer or a function, not 1.5",
      ["return { name = 'x', quorum = -1 }"] = "policy.lua: policy: 'quorum' must be 0 or more, not -1",
      ["return { name = 'x', place = function() return setmetatable({}, { __index = function() while true do end end }) end }"] =
        "policy.lua:1: place must return a plain list, without a metatable",
      ["pairs(nil)"] = "policy.lua:1: bad argument #1 to 'pairs' (table expected, got nil)",
    } do
      local err = refused("invalid", load(text))
      assert(tostring(err):find(expected, 1, true), ("%s\n%s"):format(text, tostring(err)))
    end
    local err = tostring(refused("invalid", load "local function loop() return loop() + 1 end\nloop()"))
    assert(err:find "policy.lua:1: stack overflow" or err:find "policy.lua:1: stopped", err) -- a busy machine takes too long for that
    assert.matches("there is no policy: .*nothing.lua", refused("invalid", sim.load(folder:file "nothing.lua")))
  end)

  it("is a file", function()
    local pipe = folder:file "pipe.lua"
    assert(os.execute("mkfifo " .. temp.quote(pipe)))
    assert.matches("pipe.lua is a pipe, and not a file that returns a policy", refused("invalid", sim.load(pipe)))
    assert.matches(" is a folder, and not a file that", refused("invalid", sim.load(folder.path)))
    assert.matches("/dev/null is a device, and not a file that", refused("invalid", sim.load "/dev/null"))
  end)

  it("must give what its table has itself, and nothing that is computed", function()
    assert.matches("policy.lua: policy: it must be a plain table, without a metatable",
      refused("invalid", load [[return setmetatable({ name = "mine" }, { __index = function() while true do end end })]]))
  end)

  it("sees no addresses", function()
    local policy = assert(load [[
      local named = setmetatable({}, { __tostring = function() return "mine" end })
      return { name = tostring({}) .. tostring(print) .. tostring(named) .. tostring(1.5) .. tostring(nil) }
    ]])
    assert.equal("tablefunctionmine1.5nil", policy.name)
  end)

  it("changes what is its own only, and goes over tables in one order", function()
    local policy = assert(load [[
      table.sort, string.format, math.floor = nil, nil, nil
      local order = ""
      for name in pairs { b = 1, a = 2, c = 3, [2] = 4, [1] = 5 } do order = order .. name end
      for key in next, { b = true, [true] = 1, a = 0, [3] = 1, [false] = 2 } do order = order .. tostring(key) end
      return { name = order .. tostring(next {}) }
    ]])
    assert.equal("12abc3abfalsetruenil", policy.name)
    assert.equal("function", type(table.sort))
    assert.equal("1", string.format("%d", math.floor(1.5)))
    assert.matches("policy.lua:1: a policy only decides: the metatable of strings is not its own",
      refused("invalid", load "getmetatable('').__index = nil"))
    assert.matches("policy.lua:1: a policy only decides: it cannot use math.random", refused("invalid", load "math.random()"))
  end)

  it("that fails in the course of a simulation is told, and ends the simulation's success", function()
    local policy = assert(load [[
      return { name = 'x', place = function(object, peers) if object.size % 7 == 3 then error "sometimes" end return peers end }
    ]])
    local result = sim.run { policy = policy, nodes = 3, hours = 2, faults = {} }
    assert.is_true(result.problems.count > 0)
    assert.matches("policy.lua:1: sometimes$", result.problems.first)
    assert.matches("the policy failed [%d,]+ times, first: .*policy.lua:1: sometimes\n", sim.text(result))
  end)
end)
