local filo = require "filo"
local http = require "spec.support.http"
local temp = require "spec.support.temp"

local FAILED = "the server failed: its log says why\n"

---A server whose handler is called with the path after "/" as a name of one of these.
local function answering(by_name) return http.serve(function(request) return by_name[request.path:sub(2)](request) end) end

---A function that gives these, and then fails, if that is said.
local function pieces(list, err)
  local i = 0
  return function()
    i = i + 1
    if i > #list and err then error(err, 0) end
    return list[i]
  end
end

describe("what a handler gives", function()
  it("is an answer", function()
    local server <close> = answering {
      text = function() return "hello" end,
      status = function() return 404 end,
      bare = function() return 204 end,
      reset = function() return 205 end,
      nothing = function() end,
      all = function() return { status = 201, headers = { ["X-Number"] = 5, ["content-TYPE"] = "a/b" }, body = "made" } end,
      headers = function() return { headers = { Location = "/" } } end,
      unnamed = function() return { status = 299, body = "x" } end,
      fn = function() return pieces { "a", "", "bc" } end,
    }
    local client <close> = http.dial(server)
    local function get(name)
      local answer = client:get("/" .. name)
      return { answer.status, answer.reason, answer.body }
    end
    assert.same({ 200, "OK", "hello" }, get "text")
    assert.same({ 404, "Not Found", "Not Found\n" }, get "status")
    assert.same({ 204, "No Content", "" }, get "bare")
    assert.same({ 205, "Reset Content", "" }, get "reset")
    assert.same({ 204, "No Content", "" }, get "nothing")
    assert.same({ 201, "Created", "made" }, get "all")
    assert.same({ 204, "No Content", "" }, get "headers")
    assert.same({ 299, "", "x" }, get "unnamed")
    assert.same({ 200, "OK", "abc" }, get "fn")
    local headers = client:get("/all").headers
    assert.same({ "5", "a/b", "4" }, { headers["x-number"], headers["content-type"], headers["content-length"] })
    assert.matches("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$", headers.date)
    assert.equal("/", client:get("/headers").headers.location)
  end)

  it("is a failure, with the status that belongs to its code", function()
    local server <close> = answering {
      known = function() return nil, filo.error("not_found", "it is not there") end,
      later = function() return nil, filo.error("busy", "not now") end,
      text = function() return nil, "a sentence" end,
    }
    local client <close> = http.dial(server)
    local answer = client:get "/known"
    assert.same({ 404, "it is not there\n" }, { answer.status, answer.body })
    answer = client:get "/later"
    assert.same({ 503, "5" }, { answer.status, answer.headers["retry-after"] })
    assert.equal(500, client:get("/text").status)
  end)

  it("makes no sense: the client is told nothing of it, and the log all", function()
    local given
    local server <close>, log = http.serve(function() return given end)
    local client <close> = http.dial(server)
    for pattern, value in pairs {
      ["a boolean"] = false, ["a number"] = 1.5, ["a status that is none"] = 99, ["a userdata"] = io.stdout,
      ["a string as headers"] = { headers = "x" },
      ["the unknown field 'foo'"] = { foo = 1 }, ["a number as a body"] = { body = 5 }, ["no line of text"] = { headers = { a = { {} } } },
      ["a list, of which there is one"] = { headers = { ETag = { '"a"', '"b"' } }, body = "x" },
      ["no name of one"] = { headers = { ["a b"] = "x" } }, ["a key that is no string"] = { headers = { "x" } },
      ["'[xX]%-[aA]' twice"] = { headers = { ["X-A"] = "1", ["x-a"] = "2" } },
      ["a body with the status 204"] = { status = 204, body = "x" }, ["a body with the status 304"] = { status = 304, body = "x" },
      ["the header 'transfer%-encoding'"] = { headers = { ["Transfer-Encoding"] = "chunked" }, body = "0\r\n\r\n" },
      ["content%-length 3 with a body of 5 bytes"] = { headers = { ["Content-Length"] = 3 }, body = "hello" },
      ["the content%-length '%-5'"] = { headers = { ["Content-Length"] = -5 }, body = print },
      ["the content%-length '99999999999999999999'"] = { headers = { ["Content-Length"] = "99999999999999999999" }, body = print },
    } do
      given, log[1] = value, nil
      local answer = client:get "/x"
      assert.same({ 500, FAILED }, { answer.status, answer.body })
      assert.matches("^error: GET /x failed: the handler gave .*" .. pattern, log[1])
    end
  end)

  it("is no line that ends early, behind which another answer is forged", function()
    local value
    local server <close> = http.serve(function() return { headers = { ["X-A"] = value }, body = "x" } end)
    local client <close> = http.dial(server)
    for byte = 0, 255 do
      value = "a" .. string.char(byte) .. "b"
      local answer = client:get "/"
      local is_text = byte == 9 or byte >= 32 and byte ~= 127
      assert.equal(is_text and 200 or 500, answer.status, tostring(byte))
      if is_text then assert.equal(value, answer.headers["x-a"]) end
    end
  end)

  it("is an error", function()
    local raised
    local server <close>, log = http.serve(function() error(raised) end)
    local client <close> = http.dial(server)
    local unspeakable = setmetatable({}, { __tostring = function() error "no" end })
    for _, value in ipairs { "a text", filo.error("io", "an error"), {}, unspeakable, false } do
      raised, log[1] = value, nil
      local answer = client:get "/x"
      assert.same({ 500, FAILED }, { answer.status, answer.body })
      assert.matches("^error: GET /x failed: .*stack traceback", log[1])
    end
  end)
end)

describe("an answer", function()
  it("to HEAD ends with its head, which is that of GET", function()
    local folder <close> = temp.folder()
    local path = folder:write("file", ("x"):rep(100000))
    local server <close> = answering {
      text = function() return "hello" end,
      file = function() return filo.file(path) end,
      fn = function() return pieces { "a" } end,
      length = function() return { status = 200, headers = { ["Content-Length"] = 12345 } } end,
      status = function() return 404 end,
    }
    local client <close> = http.dial(server)
    for _, name in ipairs { "text", "file", "fn", "status" } do
      local get, head = client:get("/" .. name), client:ask("HEAD", "/" .. name)
      get.headers.date, head.headers.date = nil, nil
      assert.same({ get.status, get.headers }, { head.status, head.headers })
    end
    assert.equal("12345", client:ask("HEAD", "/length").headers["content-length"])
    assert.same({ "0", "" }, { client:get("/length").headers["content-length"], client:get("/length").body })
  end)

  -- A body came behind the head, where the client took it for the next answer.
  it("is to what the client has asked, whatever the handler writes into the request", function()
    local server <close>, log = http.serve(function(request)
      request.method, request.minor, request.keep_alive, request.length, request.chunked = "GET", 1, true, 0, false
      request.headers = nil
      return pieces { "abc" }
    end)
    local client <close> = http.dial(server)
    assert.equal("", client:ask("HEAD", "/").body)
    assert.equal("abc", client:ask("PUT", "/", { body = "GET / HTTP/1.1\r\n" }).body)
    local answer = client:ask("HEAD", "/", { minor = 0 })
    assert.same({ "", "close" }, { answer.body, answer.headers.connection })
    client:end_of()
    assert.same({}, log)
  end)

  it("may have a header several times", function()
    local server <close> = http.serve(function() return { headers = { ["Set-Cookie"] = { "a=1", "b=2" } }, body = "x" } end)
    local client <close> = http.dial(server)
    client:send(http.text("GET", "/"))
    assert.matches("\r\nset%-cookie: a=1\r\nset%-cookie: b=2\r\n", client:up_to "\r\n\r\n")
  end)

  it("to HTTP/1.0 has no chunks: it ends with the connection", function()
    local server <close> = http.serve(function() return pieces { "a", "bc" } end)
    local client <close> = http.dial(server)
    local answer = client:ask("GET", "/", { minor = 0, headers = { Connection = "keep-alive" } })
    assert.same({ "abc", "close" }, { answer.body, answer.headers.connection })
    assert.is_nil(answer.headers["transfer-encoding"])
    assert.is_falsy(answer.cut)
  end)

  it("ends the connection when it says so", function()
    local server <close> = http.serve(function() return { headers = { Connection = "Close" }, body = "x" } end)
    local client <close> = http.dial(server)
    assert.equal("x", client:get("/").body)
    client:end_of()
  end)

  it("of a function may have its length said before", function()
    local server <close> = http.serve(function(request)
      return { headers = { ["Content-Length"] = 6 }, body = pieces { "abc", "def", request.query.more } }
    end)
    local client <close> = http.dial(server)
    local answer = client:get "/"
    assert.same({ "abcdef", "6" }, { answer.body, answer.headers["content-length"] })
    assert.equal("abcdef", client:ask("GET", "/", { minor = 0, headers = { Connection = "keep-alive" } }).body)
    assert.equal("abcdef", client:get("/?more=x").body) -- but no more than that
    client:end_of_cut()
  end)

  -- HTTP/1.0 was shown an end like any other.
  it("whose function fails midway is seen to be cut", function()
    local server <close>, log = http.serve(function(request)
      local less = request.path == "/less"
      return { headers = less and { ["Content-Length"] = 10 } or nil, body = pieces({ "abc", "def" }, not less and "broken" or nil) }
    end)
    for minor = 0, 1 do
      for _, path in ipairs { "/", "/less" } do
        local client <close> = http.dial(server)
        local answer = client:ask("GET", path, { minor = minor })
        assert.same({ "abcdef", true }, { answer.body, answer.cut })
        local why = path == "/less" and "its content function gave less than its content%-length" or "broken"
        assert.matches("^error: the answer to GET " .. path .. " is cut: " .. why, table.remove(log))
      end
    end
  end)

  it("is cut where its function gives nonsense, or a failure", function()
    local given
    local server <close>, log = http.serve(function()
      local begun = false
      return function()
        if begun and given == "raise" then error() end
        if begun then return table.unpack(given, 1, 2) end
        begun = true
        return "abc"
      end
    end)
    for why, values in pairs {
      ["gave a table, no string"] = { {} }, ["raised nothing"] = "raise", ["a word"] = { nil, "a word" },
      ["no more"] = { nil, filo.error("timeout", "no more") },
    } do
      given = values
      local answer = http.ask(server, "GET", "/")
      assert.same({ "abc", true }, { answer.body, answer.cut })
      assert.matches("is cut: .*" .. why, table.remove(log))
    end
  end)

  it("goes out piece by piece", function()
    local channel = filo.channel()
    local server <close> = http.serve(function() return function() return channel:receive() or nil end end)
    local client <close> = http.dial(server)
    client:send(http.text("GET", "/"))
    client:up_to "\r\n\r\n"
    for _, piece in ipairs { "one", "two" } do
      channel:send(piece)
      assert.equal(("3\r\n%s\r\n"):format(piece), client:bytes(8))
    end
    channel:close()
    assert.equal("0\r\n\r\n", client:bytes(5))
  end)

  it("that is large arrives whole, to a client that is slow to read", function()
    local long = ("0123456789abcdef"):rep(1 << 18)
    local server <close> = http.serve(function(request) return request.path == "/" and long or pieces { long, long } end)
    local client <close> = http.dial(server)
    client:send(http.text("GET", "/") .. http.text("GET", "/fn"))
    assert.is_true(client:answer().body == long)
    assert.is_true(client:answer().body == long .. long)
  end)
end)
