-- A copy here that could not be opened (a newer Filo had written it, or its disk gave an error) failed a get that peers could have served.

local nodes = require "spec.support.nodes"

local FORMAT_AT = -12 -- of the footer; all bits flipped it is one that may come one day

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

describe("a copy here that cannot be opened", function()
  it("is passed over for those of peers, with a warning, and stays", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs { 0, 10, 3 << 20 } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      local place = nodes.place(a, a, "key")
      nodes.flip(place, FORMAT_AT)
      local before = read(place)
      assert.is_true(content == nodes.content(a, "key"))
      assert.is_truthy(net:logged "^a warning: .*'key'.*peers are asked: .*/objects/.* a newer Filo made it")
      assert.is_true(before == read(place))
      nodes.flip(place, FORMAT_AT)
      local object <close> = assert(a:get "key")
      assert.equal("here", object.from)
      net.lines = {}
    end
  end)

  it("is named when no peer has another", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    nodes.flip(nodes.place(a, a, "key"), FORMAT_AT)
    local object, err = a:get "key"
    assert.is_nil(object)
    assert.equal("unsupported", err.code)
    assert.equal("key", err.key)
    assert.matches("^cannot get 'key': .*/objects/.* has format 254: a newer Filo made it$", tostring(err))
    assert.equal("unsupported", select(2, a:stat "key").code)
  end)

  it("does not hide that the object was deleted", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local place = nodes.place(a, a, "key")
    assert(os.rename(place, place .. ".away"))
    assert(a:delete "key")
    assert(os.rename(place .. ".away", place))
    nodes.flip(place, FORMAT_AT)
    local object, err = a:get "key"
    assert.is_nil(object)
    assert.equal("'key' was deleted", tostring(err))
    assert.is_truthy(b)
  end)
end)
