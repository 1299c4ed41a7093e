---What nobody else is to learn: content, names and secrets of an owner lie nowhere in the clear but in what he writes himself.

local commands = require "spec.support.commands"
local temp = require "spec.support.temp"

local NAME, CONTENT = "diary of a stranger", "nobody is to read this sentence"

---Files below a folder that contain a text, relative to it, sorted.
local function holding(folder, text)
  local pipe <close> = assert(io.popen(("cd %s && grep -rlaF -e %s . | sort"):format(temp.quote(folder), temp.quote(text))))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  return list
end

---Turns one byte in the middle of each object that a root holds.
local function rot(root)
  local pipe <close> = assert(io.popen(("find %s -type f -size +1000c"):format(temp.quote(root .. "/objects"))))
  for path in pipe:lines() do
    local file <close> = assert(io.open(path, "r+b"))
    file:seek("set", 100)
    local byte = file:read(1)
    file:seek("set", 100)
    file:write(string.char(byte:byte() ~ 1))
  end
end

describe("what an owner stores", function()
  it("is in the clear nowhere, and no name of it in what a peer writes", function()
    local house <close> = commands.house()
    local first, token = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    local second = house:serve "b"
    first:expect "is connected"
    local function run(...) return house:within("a", ...) end
    local function put() return house:feed(CONTENT:rep(100), "a", "put", "-", "--key", NAME).status end
    assert.equal(0, put())
    assert.equal(0, run("why", NAME).status)
    assert.equal(0, run("rm", "--here", NAME).status)
    assert.equal(0, run("get", NAME, "-o", "-").status)
    rot(house:root "b")
    assert.equal(4, run("rm", "--here", NAME).status) -- the peer reads its copy, and sets it aside
    second:expect "a copy here is bad"
    for _, root in ipairs { "a", "b" } do
      assert.same({}, holding(house:root(root), CONTENT))
      for _, file in ipairs(holding(house:root(root), NAME)) do assert.matches("^a%./catalogue", root .. file) end
    end
    local secret = house:read("a", "cluster"):match "%S+"
    assert.same({ "./cluster" }, holding(house:root "a", secret))
    assert.equal(0, put())
    assert.equal(0, run("rm", NAME).status)
    second:expect "took a deletion"
    local out, err = second:output()
    for _, text in ipairs { NAME, CONTENT, secret } do assert.is_nil((out .. err):find(text, 1, true)) end
    local own_out, own_err = first:output()
    for _, text in ipairs { CONTENT, secret } do assert.is_nil((own_out .. own_err):find(text, 1, true)) end
  end)
end)
