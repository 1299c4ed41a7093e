---Objects as the content of others.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"
local temp = require "spec.support.temp"

local MIB = 1 << 20

---Files that are being written at a node.
local function drafts(node)
  local pipe <close> = assert(io.popen("ls -A " .. temp.quote(node.root .. "/tmp")))
  return pipe:read "a"
end

local function no_drafts(node)
  nodes.wait(function() return drafts(node) == "" end, "end of drafts")
end

describe("an object", function()
  it("is stored under another key, or under none", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, size in ipairs { 0, 1, 65536, 65537, MIB, 3 * MIB + 5 } do
      local content = nodes.bytes(size, 1)
      assert(a:store("from", content))
      local object <close> = assert(a:get "from")
      local receipt = assert(a:store("to", object, { fields = { of = "mine" } }))
      assert.same({ "to", size }, { receipt.key, receipt.size })
      assert.is_true(nodes.content(a, "to") == content)
      assert.equal("", object:read "a")
      assert.equal("mine", a:stat("to").fields.of)
      local again <close> = assert(a:get "from")
      assert.is_true(nodes.content(a, assert(a:store(nil, again)).key) == content)
    end
    no_drafts(a)
  end)

  it("takes the place of itself", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local content = nodes.bytes(2 * MIB, 1)
    assert(a:store("k", content))
    local object <close> = assert(a:get "k")
    local receipt = assert(a:store("k", object))
    assert.is_true(receipt.version > object.version)
    assert.is_true(nodes.content(a, "k") == content)
  end)

  it("is stored from where it was read to", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local content = nodes.bytes(2 * MIB, 1)
    assert(a:store("k", content))
    local object <close> = assert(a:get "k")
    object:read(MIB + 3)
    assert.equal(MIB - 3, assert(a:store("rest", object)).size)
    assert.is_true(nodes.content(a, "rest") == content:sub(MIB + 4))
    assert.equal(0, assert(a:store("nothing", object)).size)
  end)

  it("comes from a peer, and from another node of this process", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, size in ipairs { 10, 100000, 3 * MIB } do
      local content = nodes.bytes(size, 1)
      assert(a:store("k", content))
      nodes.drop(a, "k")
      local object <close> = assert(a:get "k")
      assert.equal("peers", object.from)
      assert(a:store("copy", object))
      assert.is_true(nodes.content(a, "copy") == content)
      nodes.kept(a, "k")
      local other <close> = assert(a:get "k")
      assert(b:store("copy", other))
      assert.is_true(nodes.content(b, "copy") == content)
    end
  end)

  it("that is closed is no content", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("k", "abc"))
    local object = assert(a:get "k")
    object:close()
    assert.equal("cannot store 'to': the object is closed", refused("closed", a:store("to", object)))
    no_drafts(a)
  end)

  it("whose copy here is bad is taken from a peer, after all", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs { 10, 5 * MIB } do
      local content = nodes.bytes(size, 1)
      assert(a:store("k", content))
      nodes.flip(nodes.place(a, a, "k"), size - 5)
      local first <close> = assert(a:get "k")
      first:read(3)
      local object <close> = assert(a:get "k")
      assert(a:store("copy", { object }))
      assert.is_true(nodes.content(a, "copy") == content)
      nodes.kept(a, "k")
      assert(a:store("rest", first))
      assert.is_true(nodes.content(a, "rest") == content:sub(4))
    end
    no_drafts(a)
  end)

  it("of which there is no good copy is not stored", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local content = nodes.bytes(5 * MIB, 1)
    assert(a:store("good", content))
    assert(a:store("k", content))
    nodes.flip(nodes.place(a, a, "k"), 3 * MIB)
    local good <close> = assert(a:get "good")
    local object <close> = assert(a:get "k")
    assert.matches("^cannot store 'copy': ", refused("corrupt", a:store("copy", { good, object })))
    assert.is_false(a:has "copy")
    no_drafts(a)
    assert.is_true(good:read "a" == content)
  end)
end)

describe("a list of objects", function()
  it("is stored as one, after the other", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local list, expected = {}, {}
    for i, size in ipairs { 5, 0, MIB, 65536, 2 * MIB + 1, 1 } do
      expected[i] = nodes.bytes(size, i)
      assert(a:store("part " .. i, expected[i]))
      list[i] = assert(a:get("part " .. i))
    end
    local content = table.concat(expected)
    assert.equal(#content, assert(a:store("whole", list)).size)
    assert.is_true(nodes.content(a, "whole") == content)
    for _, object in ipairs(list) do object:close() end
  end)

  it("may have one twice", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("k", "abc"))
    local object <close> = assert(a:get "k")
    object:read(1)
    assert.equal(4, assert(a:store("twice", { object, object })).size)
    assert.equal("bcbc", nodes.content(a, "twice"))
  end)

  it("has nothing else in it", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("k", "abc"))
    local object <close> = assert(a:get "k")
    for _, list in ipairs { {}, { "abc" }, { object, "abc" }, { object, { object } }, setmetatable({ object }, {}) } do
      assert.error_matches(function() a:store("list", list) end, "an object, a list of objects or the body of a request, not a table")
    end
  end)

  it("leaves nothing when it is cut short", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = nodes.bytes(3 * MIB, 1)
    assert(a:store("k", content))
    nodes.drop(a, "k")
    local object <close> = assert(a:get "k")
    local task
    a:on("before_store", function()
      filo.spawn(function() task:cancel() end)
    end)
    task = a:spawn(function() return a:store("copy", { object, object, object }) end):observe()
    assert.is_false(pcall(task.join, task))
    assert.is_false(a:has "copy")
    no_drafts(a)
    assert.is_truthy(b)
  end)
end)

describe("simulated objects", function()
  it("are stored as others are", simulated(function(net)
    local a = net:cluster(3)
    local content = ("0123456789"):rep(2000)
    assert(a:store("k", content))
    assert(a:store("small", "abc"))
    local object <close> = assert(a:get "k")
    local small <close> = assert(a:get "small")
    assert.equal(20003, assert(a:store("both", { small, object })).size)
    local both <close> = assert(a:get "both")
    assert.equal("abc" .. content, both:read "a")
  end))
end)
