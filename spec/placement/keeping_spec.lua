---How many old versions a policy has kept.

local filo = require "filo"
local placement = require "filo.placement.policy"
local raises = require "spec.support.raises"

local policy = filo.policy

local function call(fn, ...) return fn(...) end

---What is kept of some classes.
local function kept(of, ...)
  local keeps, list = placement.complete(call, of).keeps, {}
  assert.equal(256, #keeps)
  for i, class in ipairs { ... } do list[i] = keeps:byte(class + 1) end
  return list
end

describe("keep_versions", function()
  it("is 0, unless a policy says another number", function()
    assert.same({ 0, 0 }, kept(policy.everywhere, 0, 255))
    assert.same({ 5, 5 }, kept(policy.with({ keep_versions = 5 }, policy.copies(2)), 0, 255))
    assert.same({ 7 }, kept({ name = "mine", keep_versions = 7 }, 3))
    assert.same({ 1, 2 }, kept({ name = "mine", keep_versions = { default = 1, [9] = 2 } }, 3, 9))
    assert.same({ 0, 2 }, kept({ name = "mine", keep_versions = { [9] = 2 } }, 3, 9))
  end)

  it("goes through what a policy is a part of", function()
    local two, nine = policy.with({ keep_versions = 2 }, policy.copies(2)), policy.with({ keep_versions = 9 }, policy.everywhere)
    assert.same({ 2 }, kept(policy.tagged("ssd", two), 0))
    assert.same({ 2 }, kept(policy.without("ssd", two), 0))
    assert.same({ 9 }, kept(policy.both(two, nine), 0))
    assert.same({ 2 }, kept(policy.otherwise(policy.copies(3), two), 0))
    assert.same({ 2 }, kept(policy.with({ grace = 60 }, two), 0))
    assert.same({ 0 }, kept(policy.with({ keep_versions = 0 }, two), 0))
  end)

  it("is that of each class where these have policies of their own", function()
    local two = policy.with({ keep_versions = 2 }, policy.copies(2))
    local classes = policy.classify { [3] = policy.with({ keep_versions = 9 }, policy.copies(3)), [4] = policy.copies(1), default = two }
    assert.same({ 2, 9, 0 }, kept(classes, 0, 3, 4))
    assert.same({ 2, 9, 2 }, kept(policy.both(classes, two), 0, 3, 4))
    assert.same({ 0, 2, 9 }, kept(policy.classify { [1] = two, [3] = classes, default = policy.everywhere }, 0, 1, 3))
  end)

  it("makes another policy of one: it has no spec any more when a script changes it, and says so in its name", function()
    local two = policy.with({ keep_versions = 2 }, policy.copies(2))
    assert.matches("keeping 2 old versions", two.name)
    assert.same({ "with", { keep_versions = 2 }, { "copies", 2 } }, two.spec)
    two.keep_versions = 3
    assert.is_nil(placement.complete(call, two).spec)
    two.keep_versions = "many"
    raises("'keep_versions' must be an integer or a table, not a string", placement.complete, call, two)
    for _, wrong in ipairs { -1, 101, { default = 0.5 }, { [256] = 1 }, { x = 1 } } do
      raises("'keep_versions' must", placement.complete, call, { name = "mine", keep_versions = wrong })
    end
    raises("keep_versions", policy.with, { keep_versions = 101 }, policy.copies(2))
  end)
end)
