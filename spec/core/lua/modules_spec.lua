local modules = require "filo.core.modules"
local process = require "spec.support.process"

describe("the Lua files within the binary", function()
  it("are modules and stubs, and can be read", function()
    local kinds = {}
    for _, file in ipairs(modules.files()) do
      kinds[file:match "^%a+"] = true
      assert.is_truthy(load(modules.source(file), file))
    end
    assert.same({ filo = true, stubs = true }, kinds)
    assert.matches("^%-%-%-@meta\n", modules.source "stubs/crypto.lua")
    assert.matches("^<!doctype html>", modules.source "filo/command/web/page/index.html")
    assert.is_nil(modules.source "none.lua")
  end)

  it("can still be read when the memory that they took was given back", function()
    local sources = {}
    for i, file in ipairs(modules.files()) do sources[i] = modules.source(file) end
    modules.let_go()
    for i, file in ipairs(modules.files()) do assert.is_true(sources[i] == modules.source(file), file) end
    modules.let_go()
  end)

  it("give way to those in a folder of FILO_PATH", function()
    local code = [[
      local override = require("filo.core.modules").override
      print((override "filo/node.lua"), (override "filo/none.lua"))
    ]]
    assert.equal("lua/filo/node.lua\tnil\n", process.run({ "-e", code, env = { FILO_PATH = "/nowhere:lua" } }).out)
    assert.equal("nil\tnil\n", process.run({ "-e", code, env = { FILO_PATH = "" } }).out)
  end)

  it("are in nobody's way: what is only to be read is no module", function()
    local ok, problem = pcall(require, "stubs.crypto")
    assert.is_false(ok)
    assert.matches("module 'stubs.crypto' not found", problem)
    assert.matches("no module 'filo.command.web.page.index.html' within", select(2, pcall(require, "filo.command.web.page.index.html")))
  end)

  it("are spoken of only where somebody looks for one of them", function()
    assert.matches("no module 'filo.none' within filo", select(2, pcall(require, "filo.none")))
    assert.not_matches("within filo", select(2, pcall(require, "no.such.module")))
  end)
end)
