local quick = require "spec.support.quick"
local raises = require "spec.support.raises"
local routes = require "filo.http.routes"

---Routes that give the pattern that was chosen.
local function handler(patterns)
  local by_pattern = {}
  for _, pattern in ipairs(patterns) do by_pattern[pattern] = function() return pattern end end
  return routes.new(by_pattern)
end

---That a request goes to a pattern, with parameters.
local function assert_goes(handle, method, raw_path, pattern, parameters)
  local request = { method = method, raw_path = raw_path }
  assert.equal(pattern, handle(request), method .. " " .. raw_path)
  assert.same(parameters or {}, request.parameters)
end

local function assert_refused(handle, method, raw_path, answer)
  local request = { method = method, raw_path = raw_path }
  assert.same({ n = 1, answer }, table.pack(handle(request)))
  assert.is_nil(request.parameters)
end

local function nothing_at(path) return { status = 404, body = "there is nothing at " .. path .. "\n" } end

local function not_for(path, methods)
  return { status = 405, headers = { Allow = methods }, body = ("%s takes %s only\n"):format(path, methods) }
end

describe("a route", function()
  it("gets the request, and gives what its function gives", function()
    local request = { method = "GET", raw_path = "/o/a%20b" }
    local handle = routes.new { ["GET /o/{key}"] = function(given)
      assert.equal(request, given)
      assert.same({ key = "a b" }, given.parameters)
      return nil, "second"
    end }
    assert.same({ n = 2, nil, "second" }, table.pack(handle(request)))
  end)

  it("is a path, each byte of it", function()
    local handle = handler { "GET /", "GET /a", "GET /a/", "GET /a/b", "GET //x", "GET /a//b", "GET /.." }
    for _, path in ipairs { "/", "/a", "/a/", "/a/b", "//x", "/a//b", "/.." } do assert_goes(handle, "GET", path, "GET " .. path) end
    for _, path in ipairs { "//", "/A", "/a/b/", "/b", "/a/../a", "/x" } do assert_refused(handle, "GET", path, nothing_at(path)) end
  end)

  it("compares decoded segments", function()
    local handle = handler { "GET /a%20b%2f%7Bc%7D/\u{e9}" }
    assert_goes(handle, "GET", "/a%20b%2F{c}/%C3%A9", "GET /a%20b%2f%7Bc%7D/\u{e9}")
    assert_goes(handle, "GET", "/%61%20b%2F%7bc%7d/%c3%a9", "GET /a%20b%2f%7Bc%7D/\u{e9}")
    assert_refused(handle, "GET", "/a%20b/%7Bc%7D/%C3%A9", nothing_at "/a b/{c}/\u{e9}")
  end)

  it("has a name for a segment that is not empty", function()
    local handle = handler { "GET /u/{user}/files/{file_2}" }
    assert_goes(handle, "GET", "/u/a%2Fb/files/%00", "GET /u/{user}/files/{file_2}", { user = "a/b", file_2 = "\0" })
    assert_goes(handle, "GET", "/u/../files/{x}", "GET /u/{user}/files/{file_2}", { user = "..", file_2 = "{x}" })
    for _, path in ipairs { "/u//files/a", "/u/a/files/", "/u/a/files", "/u/a/files/b/", "/u/a/files/b/c" } do
      assert_refused(handle, "GET", path, nothing_at(path))
    end
  end)

  it("has a name for the rest, which may be empty", function()
    local pattern = "GET /o/{bucket}/{key...}"
    local handle = handler { pattern }
    local keys = {
      ["/o/b/"] = "", ["/o/b/a"] = "a", ["/o/b/a/b"] = "a/b", ["/o/b//"] = "/", ["/o/b//a//"] = "/a//", ["/o/b/a%2Fb/c"] = "a/b/c",
      ["/o/b/../%2e"] = "../.", ["/o/b/%00%FF"] = "\0\xff", ["/o/b/%2541"] = "%41",
    }
    for path, key in pairs(keys) do assert_goes(handle, "GET", path, pattern, { bucket = "b", key = key }) end
    for _, path in ipairs { "/o/b", "/o/", "/o", "/o//a" } do assert_refused(handle, "GET", path, nothing_at(path)) end
    assert_goes(handler { "/{all...}" }, "GET", "/", "/{all...}", { all = "" })
  end)

  it("that is more specific wins", function()
    local handle = handler { "/{a}/{b}", "/x/{b}", "/{a}/y", "/x/y", "/{all...}", "/x/{rest...}", "/x/", "/{a}" }
    assert_goes(handle, "GET", "/x/y", "/x/y")
    assert_goes(handle, "GET", "/x/z", "/x/{b}", { b = "z" })
    assert_goes(handle, "GET", "/z/y", "/{a}/y", { a = "z" })
    assert_goes(handle, "GET", "/z/z", "/{a}/{b}", { a = "z", b = "z" })
    assert_goes(handle, "GET", "/x/", "/x/")
    assert_goes(handle, "GET", "/x", "/{a}", { a = "x" })
    assert_goes(handle, "GET", "/x/y/", "/x/{rest...}", { rest = "y/" })
    assert_goes(handle, "GET", "/z/y/z", "/{all...}", { all = "z/y/z" })
    assert_goes(handle, "GET", "/", "/{all...}", { all = "" })
    assert_goes(handle, "GET", "//y", "/{all...}", { all = "/y" })
  end)

  it("is found where a more specific way leads nowhere", function()
    local handle = handler { "/a/b/c", "/a/{x}/d", "/{x}/b/{y}/f", "/{x}/{rest...}" }
    assert_goes(handle, "GET", "/a/b/c", "/a/b/c")
    assert_goes(handle, "GET", "/a/b/d", "/a/{x}/d", { x = "b" })
    assert_goes(handle, "GET", "/a/b/e/f", "/{x}/b/{y}/f", { x = "a", y = "e" })
    assert_goes(handle, "GET", "/a/b/e", "/{x}/{rest...}", { x = "a", rest = "b/e" })
  end)

  it("may be for one method, or for any", function()
    local handle = handler { "GET /a", "PUT /a", "/a", "DELETE /b", "M-SEARCH /b" }
    assert_goes(handle, "GET", "/a", "GET /a")
    assert_goes(handle, "PUT", "/a", "PUT /a")
    for _, method in ipairs { "POST", "DELETE", "get", "" } do assert_goes(handle, method, "/a", "/a") end
    assert_goes(handle, "M-SEARCH", "/b", "M-SEARCH /b")
  end)

  it("for GET serves HEAD, where there is none for HEAD", function()
    local handle = handler { "GET /a", "/a", "GET /b", "HEAD /b", "/c", "PUT /{x}", "HEAD /{x}" }
    assert_goes(handle, "HEAD", "/a", "GET /a")
    assert_goes(handle, "HEAD", "/b", "HEAD /b")
    assert_goes(handle, "HEAD", "/c", "/c")
    assert_goes(handle, "HEAD", "/d", "HEAD /{x}", { x = "d" })
  end)

  it("for another method leaves a request to one that is less specific", function()
    local handle = handler { "GET /o/{key...}", "PUT /o/special", "POST /{x}/{y}" }
    assert_goes(handle, "GET", "/o/special", "GET /o/{key...}", { key = "special" })
    assert_goes(handle, "PUT", "/o/special", "PUT /o/special")
    assert_goes(handle, "POST", "/o/special", "POST /{x}/{y}", { x = "o", y = "special" })
  end)

  it("has names of its own beside those of others", function()
    local handle = handler { "GET /{a}/{b}", "PUT /{c}/{d}", "GET /{e}/{f}/x" }
    assert_goes(handle, "GET", "/1/2", "GET /{a}/{b}", { a = "1", b = "2" })
    assert_goes(handle, "PUT", "/1/2", "PUT /{c}/{d}", { c = "1", d = "2" })
    assert_goes(handle, "GET", "/1/2/x", "GET /{e}/{f}/x", { e = "1", f = "2" })
  end)
end)

describe("a request that no route serves", function()
  it("is told so", function()
    local handle = handler { "GET /a", "GET /o/{key}" }
    assert_refused(handle, "GET", "/b", nothing_at "/b")
    assert_refused(handle, "PUT", "/o/", nothing_at "/o/")
    assert_refused(handle, "OPTIONS", "*", nothing_at "*")
    assert_refused(routes.new {}, "GET", "/", nothing_at "/")
  end)

  it("is told of its path in printable characters", function()
    local handle = routes.new {}
    assert_refused(handle, "GET", "/%0d%0aSet-Cookie:%20a%1b[2J", nothing_at "/\\x0d\\x0aSet-Cookie: a\\x1b[2J")
    assert_refused(handle, "GET", "/%C3%A9", nothing_at "/\u{e9}")
    assert_refused(handle, "GET", "/%ff%C3%A9", nothing_at "/\\xff\\xc3\\xa9")
    assert_refused(handle, "GET", "/%25%s%d", nothing_at "/%25%s%d")
  end)

  it("is told the methods that would be", function()
    local handle = handler { "PUT /o/{key...}", "GET /o/{key...}", "DELETE /o/special", "POST /{a}/{b}", "PATCH /b", "HEAD /c" }
    assert_refused(handle, "DELETE", "/o/a/b", not_for("/o/a/b", "GET, HEAD, PUT"))
    assert_refused(handle, "DELETE", "/o/a", not_for("/o/a", "GET, HEAD, POST, PUT"))
    assert_refused(handle, "PATCH", "/o/special", not_for("/o/special", "DELETE, GET, HEAD, POST, PUT"))
    assert_refused(handle, "GET", "/b", not_for("/b", "PATCH"))
    assert_refused(handle, "HEAD", "/b", not_for("/b", "PATCH"))
    assert_refused(handle, "GET", "/c", not_for("/c", "HEAD"))
    assert_refused(handle, "get", "/o/a/%0A", not_for("/o/a/\\x0a", "GET, HEAD, PUT"))
  end)

  it("takes no longer for many routes", function()
    local patterns, steps = {}, 0
    for i = 1, 2000 do patterns[i] = ("GET /%d/{a}/{b}/%d"):format(i, i) end
    local handle = handler(patterns)
    debug.sethook(function() steps = steps + 1 end, "", 10)
    handle { method = "GET", raw_path = "/2000/x/y/1" }
    debug.sethook()
    assert.is_true(steps < 200, steps)
  end)

  it("takes no longer than its path is long", function()
    local handle = handler { "/{a}/{b}/{c}/{d}/x", "/a/{b}/c/{d}/y", "/{a}/a/{c...}", "POST /{all...}" }
    for _, part in ipairs { "/", "/a", "/%61", "a" } do
      quick(handle, { method = "GET", raw_path = "/" .. part:rep(50000) })
    end
  end)
end)

describe("routes", function()
  local function nothing() end

  ---That a pattern is an error at the line that gave it.
  local function assert_bad(message, patterns)
    raises("^spec/http/routes_spec.lua:%d+: routes: " .. message:gsub("%p", "%%%0") .. "$", function()
      local handle = routes.new(patterns)
      return handle
    end)
  end

  it("are functions by patterns", function()
    assert_bad("a table expected, of functions by patterns", "GET /")
    assert_bad("the pattern 1 must be a string", { nothing })
    assert_bad("the pattern 'GET /a' needs a function, not a boolean", { ["GET /a"] = true, ["GET /b"] = nothing })
    assert_bad("the pattern '/' needs a function, not a table", { ["/"] = {} })
  end)

  it("are a method, a blank and a path", function()
    for _, pattern in ipairs { "", "GET", "GET ", "GET a", "a", "get /a", "GET  /a", "GET\t/a", " /a", "GET /a ", "GET /a b", "GET /a?b",
      "GET /a#b", "GET http://a/", "GET,PUT /a", "GET /a\n", "*", "GET *", "GET /a/\0", "G@T /a" } do
      assert_bad(("the pattern '%s' is bad: 'GET /path' or '/path' expected"):format(pattern), { [pattern] = nothing })
    end
  end)

  it("have names in braces that are a whole segment", function()
    for _, segment in ipairs { "{}", "{...}", "{1}", "{a-b}", "{a", "a}", "a{b}", "{a}b", "{a}{b}", "{a.}", "{a..}", "{a....}", "{$}",
      "{{a}}", "{a...}b", "{a%20b}" } do
      assert_bad(("the pattern 'GET /x/%s/y' is bad: '%s' is neither a word nor {name} nor {name...}"):format(segment, segment),
        { ["GET /x/" .. segment .. "/y"] = nothing })
    end
  end)

  it("have each name once, and nothing after the rest", function()
    assert_bad("the pattern '/{a}/b/{a}' is bad: the name 'a' is there twice", { ["/{a}/b/{a}"] = nothing })
    assert_bad("the pattern '/{a}/{a...}' is bad: the name 'a' is there twice", { ["/{a}/{a...}"] = nothing })
    assert_bad("the pattern '/{a...}/b' is bad: nothing can follow {a...}", { ["/{a...}/b"] = nothing })
    assert_bad("the pattern '/x/{a...}/' is bad: nothing can follow {a...}", { ["/x/{a...}/"] = nothing })
  end)

  it("have no bad escapes", function()
    assert_bad("the pattern 'GET /%zz' is bad: '%zz' is a bad escape: two hex digits follow a %", { ["GET /%zz"] = nothing })
  end)

  it("differ in more than names", function()
    local pairs_of = {
      { "GET /{a}/x", "GET /{b}/x" }, { "/o/{a...}", "/o/{b...}" }, { "/%61", "/a" }, { "PUT /{x}/{y...}", "PUT /{x}/{z...}" },
    }
    for _, pair in ipairs(pairs_of) do
      assert_bad(("the pattern '%s' is the same as '%s'"):format(pair[2], pair[1]), { [pair[1]] = nothing, [pair[2]] = nothing })
    end
    assert.is_function(routes.new { ["/{a}"] = nothing, ["GET /{b}"] = nothing, ["PUT /{c}"] = nothing, ["/{d...}"] = nothing })
  end)
end)
