local filo = require "filo"
local http = require "spec.support.http"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

local LARGE = nodes.bytes(3000000, 1)

---Calls fn(client, content) with a server of a string, a file, a small and a large object.
local function each_kind(fn)
  local folder <close> = temp.folder()
  local net <close> = nodes.net()
  local node = net:start "a"
  assert(node:store("small", "0123456789"))
  assert(node:store("large", LARGE))
  local small, large = folder:write("small", "0123456789"), folder:write("large", LARGE)
  local by_path = {
    ["/string"] = function() return "0123456789" end, ["/file"] = function() return filo.file(small) end,
    ["/object"] = function() return node:get "small" end, ["/large-string"] = function() return LARGE end,
    ["/large-file"] = function() return filo.file(large) end, ["/large-object"] = function() return node:get "large" end,
  }
  local server <close>, log = http.serve(function(request) return by_path[request.path]() end)
  local client <close> = http.dial(server)
  for path in pairs(by_path) do fn(client, path, path:find "large" and LARGE or "0123456789") end
  assert.same({}, log)
end

describe("a range", function()
  it("of all that has a size is what was asked for", function()
    each_kind(function(client, path, content)
      local size = #content
      for range, bounds in pairs {
        ["0-0"] = { 0, 1 }, ["0-4"] = { 0, 5 }, ["5-"] = { 5, size }, ["-3"] = { size - 3, size }, ["2-99999999"] = { 2, size },
        ["-99999999"] = { 0, size }, [("%d-%d"):format(size // 2 - 1, size // 2 + 2)] = { size // 2 - 1, size // 2 + 3 },
        [("%d-"):format(size - 1)] = { size - 1, size },
      } do
        local answer = client:get(path, { Range = "bytes=" .. range })
        assert.equal(206, answer.status, path .. " " .. range)
        assert.is_true(answer.body == content:sub(bounds[1] + 1, bounds[2]), path .. " " .. range)
        assert.equal(("bytes %d-%d/%d"):format(bounds[1], bounds[2] - 1, size), answer.headers["content-range"])
      end
    end)
  end)

  it("that is not there is refused, and one that makes no sense ignored", function()
    each_kind(function(client, path, content)
      local answer = client:get(path, { Range = ("bytes=%d-"):format(#content) })
      assert.same({ 416, "", "bytes */" .. #content }, { answer.status, answer.body, answer.headers["content-range"] })
      for _, range in ipairs { "bytes=x", "bytes=4-2", "lines=1-2", "bytes=", "bytes=0-1-2" } do
        answer = client:get(path, { Range = range })
        assert.same({ 200, "bytes" }, { answer.status, answer.headers["accept-ranges"] })
        assert.is_true(answer.body == content)
      end
    end)
  end)

  it("may be one of several", function()
    each_kind(function(client, path, content)
      local answer = client:get(path, { Range = "bytes=0-1, 4-5,-2" })
      assert.equal(206, answer.status)
      local boundary = answer.headers["content-type"]:match "^multipart/byteranges; boundary=(%w+)$"
      local rest = answer.body
      for _, bounds in ipairs { { 0, 1 }, { 4, 5 }, { #content - 2, #content - 1 } } do
        local head, body
        head, body, rest = rest:match("^\r\n%-%-" .. boundary .. "\r\n(.-\r\n)\r\n(..)(.*)$")
        assert.matches(("Content-Range: bytes %d-%d/%d\r\n"):format(bounds[1], bounds[2], #content), head, 1, true)
        assert.equal(content:sub(bounds[1] + 1, bounds[2] + 1), body)
      end
      assert.equal("\r\n--" .. boundary .. "--\r\n", rest)
    end)
  end)

  it("is of GET, of status 200, and of what the handler lets be cut", function()
    local given
    local server <close> = http.serve(function() return given end)
    local client <close> = http.dial(server)
    local function status(method) return client:ask(method, "/", { headers = { Range = "bytes=1-2" } }).status end
    given = "0123456789"
    assert.same({ 206, 200, 200 }, { status "GET", status "HEAD", status "POST" })
    given = { status = 404, body = "0123456789" }
    assert.equal(404, status "GET")
    given = { headers = { ["Accept-Ranges"] = "none" }, body = "0123456789" }
    assert.equal(200, status "GET")
    given = ""
    assert.equal(416, status "GET")
    local done = false
    given = function()
      if done then return nil end
      done = true
      return "0123456789"
    end
    local answer = client:get("/", { Range = "bytes=1-2" })
    assert.same({ 200, "0123456789" }, { answer.status, answer.body })
    assert.is_nil(answer.headers["accept-ranges"])
  end)

  -- The client waited for the rest of the length that the handler had said.
  it("has its own length, also where the handler has said one", function()
    local server <close> = http.serve(function() return { headers = { ["Content-Length"] = 10 }, body = "0123456789" } end)
    local client <close> = http.dial(server)
    for _ = 1, 2 do
      local answer = client:get("/", { Range = "bytes=1-2" })
      assert.same({ 206, "12", "2" }, { answer.status, answer.body, answer.headers["content-length"] })
    end
  end)
end)

describe("a condition", function()
  it("spares a client what it has", function()
    each_kind(function(client, path)
      if path:find "string" then return end
      local first = client:get(path)
      local etag, modified = first.headers.etag, first.headers["last-modified"]
      for _, method in ipairs { "GET", "HEAD" } do
        local answer = client:ask(method, path, { headers = { ["If-None-Match"] = etag } })
        assert.same({ 304, "", etag }, { answer.status, answer.body, answer.headers.etag })
        assert.is_nil(answer.headers["content-length"])
      end
      assert.equal(304, client:get(path, { ["If-Modified-Since"] = modified }).status)
      assert.equal(200, client:get(path, { ["If-None-Match"] = '"other"', ["If-Modified-Since"] = modified }).status)
      assert.equal(412, client:get(path, { ["If-Match"] = '"other"' }).status)
      assert.equal(206, client:get(path, { ["If-Range"] = etag, Range = "bytes=0-1" }).status)
      assert.equal(200, client:get(path, { ["If-Range"] = '"other"', Range = "bytes=0-1" }).status)
    end)
  end)

  it("is about what the handler says, too", function()
    local server <close> = http.serve(function()
      return { headers = { ETag = '"1"', ["Last-Modified"] = "Sun, 09 Sep 2001 01:46:40 GMT" }, body = "x" }
    end)
    local client <close> = http.dial(server)
    assert.equal(304, client:get("/", { ["If-None-Match"] = '"1"' }).status)
    assert.equal(304, client:get("/", { ["If-Modified-Since"] = "Sun, 09 Sep 2001 01:46:40 GMT" }).status)
    assert.equal(200, client:get("/", { ["If-Modified-Since"] = "Sun, 09 Sep 2001 01:46:39 GMT" }).status)
  end)
end)
