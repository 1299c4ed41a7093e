---Where an object lies.

local errors = require "filo.base.errors"
local forge = require "spec.support.forge"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local temp = require "spec.support.temp"

-- An ID or key of ../../x wrote outside of the root.

local NAMES = { "../../x", "/x", "..", "a/../../../x", "./x", "../" .. ("x"):rep(29), ("../"):rep(10) .. "xx" }

---Everything in the folder of the test that is in no node's root.
local function outside(net)
  local pipe <close> = assert(io.popen(("cd %s && find . -mindepth 1 -not -path './[a-z]/*'"):format(temp.quote(net.folder.path))))
  local names = {}
  for name in pipe:lines() do names[#names + 1] = name end
  table.sort(names)
  return names
end

describe("a name that leads out of the root", function()
  it("is a key like any other", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, key in ipairs(NAMES) do
      assert(a:store(key, "content"))
      assert(a:evict(key))
      assert.equal("content", nodes.content(a, key))
    end
    assert.same({ "./a", "./b" }, outside(net))
    assert.is_truthy(b)
  end)

  it("cannot come from a function that makes paths or hashes", function()
    local net <close> = nodes.net()
    local name = "fine"
    local a = net:start("a", { path = function() return name end })
    local b = net:start("b", { hash_key = function() return name end })
    for _, each in ipairs(NAMES) do
      name = each
      local ok, err = a:store("key", "content")
      assert.is_nil(ok)
      assert.equal("invalid", err.code)
      assert.matches("^the path function's result cannot be used: ", tostring(err))
      assert.is_false(a:has "key")
      assert(b:store(name, "content"))
      assert.equal("content", nodes.content(b, name))
    end
    assert.same({ "./a", "./b" }, outside(net))
  end)

  it("cannot come from a peer", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local stranger <close> = strangers.meet(a, { tls = false })
    for _, name in ipairs(NAMES) do
      for topic, body in pairs {
        find = {}, check = {}, read = { version = 1, hashes = true, first = 0, count = 1 },
      } do
        body.namespace, body.key_hash = name, name
        local ok, err = stranger:ask(topic, body)
        if #name == 32 then
          assert.is_true(ok ~= nil or err.code == "not_found")
        else
          assert.equal("protocol", err.code)
        end
      end
    end
    local forged = forge(stranger.keys, { content = "x", key_hash = ("../"):rep(10) .. "xx" })
    assert(stranger:ask("store", { record = forged.record, body = forged.hashes .. forged.content }))
    assert.same({ "./a" }, outside(net))
  end)
end)

-- A path function that gave two keys one path made one key's content come back for the other, and evict remove it.
describe("a key whose path another key's object has", function()
  it("is told so by every call, and the other stays as it is", function()
    local net <close> = nodes.net()
    local a = net:start("a", { path = function() return "one/path" end })
    assert(a:store("first", "content"))
    for _, call in ipairs { "store", "get", "stat", "evict", "verify" } do
      local result, err = a[call](a, "second", call == "store" and "other content" or nil)
      assert.is_nil(result)
      assert.equal("invalid", err.code, call)
      assert.matches("path", tostring(err))
    end
    assert.is_false(a:has "second")
    assert.equal("content", nodes.content(a, "first"))
  end)
end)

-- When the version here could not be read for the moment, the next one was made as if there had been none: of class 0, and in conflict.
describe("an object of which it cannot be told what is here", function()
  it("is not written over, and later is as if nothing had been", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local receipt = assert(a:store("key", "content", { class = 7 }))
    local disk = inside.of(a).disk
    disk.stat = function() return errors.fail("busy", "too many files are open") end
    local stored, err = a:store("key", "new content")
    assert.is_nil(stored)
    assert.equal("busy", err.code)
    disk.stat = nil
    assert.same({ receipt.version, 7 }, { a:stat("key").version, a:stat("key").class })
    assert(a:store("key", "new content"))
    assert.equal(7, a:stat("key").class)
    local keys = {}
    for item in a:keys() do keys[#keys + 1] = item.key end
    assert.same({ "key" }, keys)
  end)
end)
