local filo = require "filo"
local http = require "spec.support.http"
local nodes = require "spec.support.nodes"
local small_disk = require "spec.support.disk"
local temp = require "spec.support.temp"

local LARGE = nodes.bytes(3000000, 1)

---A server that stores what is PUT, and gives what is asked for, with a log that must stay empty.
local function serving(node, options)
  return http.serve(function(request)
    local key = request.path:sub(2)
    if request.method ~= "PUT" then return node:get(key) end
    local receipt, err = node:store(key, request:body())
    if not receipt then return nil, err end
    return { status = 201, headers = { ["X-Size"] = receipt.size }, body = "" }
  end, options)
end

---Files that are being written at a node.
local function drafts(node)
  local pipe <close> = assert(io.popen("ls -A " .. temp.quote(node.root .. "/tmp")))
  return pipe:read "a"
end

local function no_drafts(node)
  nodes.wait(function() return drafts(node) == "" end, "end of drafts")
end

local function chunked(text, size)
  local chunks = {}
  for at = 1, #text, size do
    local chunk = text:sub(at, at + size - 1)
    chunks[#chunks + 1] = ("%x\r\n%s\r\n"):format(#chunk, chunk)
  end
  return table.concat(chunks) .. "0\r\n\r\n"
end

describe("the body of a request", function()
  it("is stored, and comes out again", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local server <close>, log = serving(a)
    local client <close> = http.dial(server)
    for _, size in ipairs { 0, 1, 1000, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1, 3000000 } do
      local content = LARGE:sub(1, size)
      local answer = client:ask("PUT", "/k" .. size, { body = content })
      assert.same({ 201, tostring(size) }, { answer.status, answer.headers["x-size"] })
      client:send(http.text("PUT", "/c" .. size, { headers = { ["Transfer-Encoding"] = "chunked" } }))
      client:send(chunked(content, 10007))
      answer = client:answer()
      assert.same({ 201, tostring(size) }, { answer.status, answer.headers["x-size"] })
      for _, name in ipairs { "/k", "/c" } do
        answer = client:get(name .. size)
        assert.same({ 200, tostring(size) }, { answer.status, answer.headers["content-length"] })
        assert.is_true(answer.body == content)
      end
    end
    assert.same({}, log)
    no_drafts(a)
  end)

  it("is stored byte by byte", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local server <close> = serving(a)
    local client <close> = http.dial(server)
    for byte in http.text("PUT", "/k", { body = "abcdef" }):gmatch "." do client:send(byte) end
    assert.equal(201, client:answer().status)
    assert.equal("abcdef", nodes.content(a, "k"))
  end)

  -- What had been read came once more, and then what lay behind the buffer.
  it("is stored from where it was read to", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local server <close> = http.serve(function(request)
      local body = request:body()
      local first = body:read(3)
      local receipt, err = a:store("k", body)
      return receipt and first .. " " .. receipt.size, err
    end)
    local client <close> = http.dial(server)
    for _, text in ipairs {
      http.text("PUT", "/", { body = "abcdefghij" }),
      http.text("PUT", "/", { headers = { ["Transfer-Encoding"] = "chunked" } }) .. chunked("abcdefghij", 4),
    } do
      for _ = 1, 2 do
        client:send(text)
        assert.equal("abc 7", client:answer().body)
        assert.equal("defghij", nodes.content(a, "k"))
      end
    end
  end)

  -- The second was an empty object.
  it("is stored once, or read", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local server <close> = http.serve(function(request)
      local body = request:body()
      if request.path == "/read" then body:read "a" else assert(a:store("k", body)) end
      local receipt, err = a:store("again", body)
      local bytes, problem = body:read "a"
      return ("%s %s %s %s"):format(receipt, err.code, bytes, problem and problem.code)
    end)
    local client <close> = http.dial(server)
    for path, expected in pairs { ["/read"] = "nil closed  nil", ["/store"] = "nil closed nil closed" } do
      assert.equal(expected, client:ask("PUT", path, { body = "abc" }).body)
      client:send(http.text("PUT", path, { headers = { ["Transfer-Encoding"] = "chunked" } }) .. chunked("abc", 2))
      assert.equal(expected, client:answer().body)
    end
    assert.is_false(a:has "again")
  end)

  it("that is waited for is asked for by who stores it", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local server <close> = serving(a)
    local client <close> = http.dial(server)
    client:send "PUT /k HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    assert.equal("HTTP/1.1 100 Continue\r\n\r\n", client:up_to "\r\n\r\n")
    client:send "abc"
    assert.equal(201, client:answer().status)
    assert.equal("abc", nodes.content(a, "k"))
  end)

  it("that is not whole is not stored, and leaves no draft", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local errs = filo.channel()
    local server <close> = http.serve(function(request)
      local receipt, err = a:store("k", request:body())
      errs:send(receipt or err)
      return 204
    end, { stall = 0.1 })
    local length = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n"
    local chunks = http.text("PUT", "/", { headers = { ["Transfer-Encoding"] = "chunked" } })
    for _, text in ipairs { length .. LARGE, chunks .. chunked(LARGE, 100000):sub(1, -6), length } do
      for code, gone in pairs { unreachable = true, timeout = false } do
        local client <close> = http.dial(server)
        client:send(text)
        if gone then client:close() end
        assert.equal(code, errs:receive(10).code)
      end
    end
    local client <close> = http.dial(server)
    client:send(chunks .. chunked(LARGE, 100000):sub(1, -6) .. "nonsense\r\n")
    assert.equal("invalid", errs:receive(10).code)
    no_drafts(a)
    assert.is_false(a:has "k")
  end)

  it("leaves no draft when its server closes, or who stores it is cancelled", function()
    collectgarbage "stop"
    local net <close> = nodes.net()
    local a = net:start "a"
    local server = serving(a)
    local client <close> = http.dial(server)
    client:send("PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" .. LARGE)
    nodes.wait(function() return drafts(a) ~= "" end, "draft")
    server:close()
    no_drafts(a)
    local cut <close> = http.serve(function(request)
      local receipt, err = filo.timeout(0.05, function() return a:store("k", request:body()) end)
      return receipt and "stored" or err.code
    end)
    local other <close> = http.dial(cut)
    other:send("PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" .. LARGE)
    assert.equal("timeout", other:answer().body)
    no_drafts(a)
    collectgarbage "restart"
  end)

  it("finds no room on a full disk, and some later", function()
    local disk <close> = small_disk.mount(12 << 20) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    local a = net:start("a", { root = disk:file "a" })
    local server <close> = serving(a)
    a:usage()
    disk:fill()
    local client <close> = http.dial(server)
    local answer = client:ask("PUT", "/k", { body = LARGE:sub(1, 200000) })
    assert.same({ 507, "5" }, { answer.status, answer.headers["retry-after"] })
    assert.matches("^cannot store 'k': ", answer.body)
    local cut <close> = http.dial(server)
    filo.spawn(function() cut.raw:write(http.text("PUT", "/k", { body = LARGE })) end)
    assert.equal(507, cut:answer().status)
    no_drafts(a)
    disk:empty()
    client:close()
    assert.equal(201, http.ask(server, "PUT", "/k", { body = LARGE }).status)
    assert.is_true(nodes.content(a, "k") == LARGE)
  end)

  it("goes into one store from several clients at once", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local server <close> = serving(a)
    local puts = {}
    for i = 1, 8 do
      puts[i] = function() return http.ask(server, "PUT", "/" .. i, { body = LARGE:sub(i * 1000) }).status end
    end
    assert.same({ 201, 201, 201, 201, 201, 201, 201, 201 }, filo.all(puts))
    for i = 1, 8 do assert.is_true(nodes.content(a, tostring(i)) == LARGE:sub(i * 1000)) end
  end)
end)
