local http = require "spec.support.http"
local nodes = require "spec.support.nodes"

local LARGE = nodes.bytes(3000000, 1)

---A server that gives what is asked for, with a log that must stay empty.
local function serving(node)
  return http.serve(function(request) return node:get(request.path:sub(2)) end)
end

describe("an object", function()
  it("that is not there is not found", function()
    local net <close> = nodes.net()
    local server <close> = serving(net:start "a")
    assert.equal(404, http.ask(server, "GET", "/no").status)
  end)

  it("comes from a peer, whole and in part", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local server <close>, log = serving(a)
    local client <close> = http.dial(server)
    for _, size in ipairs { 10, 100000, #LARGE } do
      local content = LARGE:sub(1, size)
      for _, range in ipairs { "bytes=0-", ("bytes=%d-"):format(size - 5), "bytes=1-4" } do
        assert(a:store("k", content))
        nodes.drop(a, "k")
        local answer = client:get("/k", { Range = range })
        local first, last = answer.headers["content-range"]:match "^bytes (%d+)%-(%d+)/%d+$"
        assert.equal(206, answer.status)
        assert.is_true(answer.body == content:sub(first + 1, last + 1))
        nodes.kept(a, "k")
      end
    end
    assert.same({}, log)
  end)

  it("with a rotten copy here comes from a good one at a peer", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local server <close>, log = serving(a)
    local client <close> = http.dial(server)
    for _, at in ipairs { 100, 1500000, -100 } do
      local key = "k" .. at
      assert(a:store(key, LARGE))
      nodes.flip(nodes.place(a, a, key), at)
      local answer = client:get("/" .. key)
      assert.equal(200, answer.status)
      assert.is_true(answer.body == LARGE)
    end
    assert.same({}, log)
  end)

  it("with rotten copies only is seen to be cut", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local server <close>, log = serving(a)
    assert(a:store("k", LARGE))
    nodes.flip(nodes.place(a, a, "k"), 1500000)
    local client <close> = http.dial(server)
    local answer = client:get "/k"
    assert.is_true(answer.cut)
    assert.is_true(answer.body == LARGE:sub(1, #answer.body))
    assert.matches("^error: the answer to GET /k is cut: ", log[1])
  end)

  -- What had been read was missing from a small one, which was said to be as long as ever.
  it("of which some has been read is sent whole", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("small", "0123456789"))
    assert(a:store("large", LARGE))
    local server <close> = http.serve(function(request)
      local object = a:get(request.path:sub(2))
      object:read(3)
      return object
    end)
    local client <close> = http.dial(server)
    for _ = 1, 2 do
      assert.equal("0123456789", client:get("/small").body)
      assert.is_true(client:get("/large").body == LARGE)
    end
  end)

  it("that somebody closes while it is sent is sent all the same", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local long = LARGE:rep(5)
    assert(a:store("k", long))
    local object
    local server <close> = http.serve(function()
      object = a:get "k"
      return object
    end)
    local client <close> = http.dial(server)
    client:send(http.text("GET", "/"))
    client:bytes(1)
    object:close()
    client:up_to "\r\n\r\n"
    assert.is_true(client:bytes(#long) == long)
  end)

  it("that is closed already is no answer", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("k", "abc"))
    assert(a:store("large", LARGE))
    local server <close>, log = http.serve(function(request)
      local object = a:get(request.path:sub(2))
      object:close()
      return object
    end)
    for _, key in ipairs { "/k", "/large" } do
      local answer = http.ask(server, "GET", key)
      assert.is_true(not answer or answer.cut or answer.status >= 500, key)
    end
    assert(log[1])
  end)
end)
