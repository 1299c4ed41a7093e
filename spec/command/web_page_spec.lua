---The page of a node, as a program sees it: who may open it, what it tells, and who may change something.

local commands = require "spec.support.commands"
local crypto = require "filo.core.crypto"
local filo = require "filo"
local http = require "spec.support.http"
local json = require "filo.dkjson"
local new_guard = require "filo.command.web.guard"
local new_sessions = require "filo.command.web.sessions"

---A root whose node has a page; gives where.
local function served(house, address)
  house:run("a", "init", "--listen", "127.0.0.1:0", "--name", "home")
  local text = 'return { listen = "127.0.0.1:0", about = { name = "home" }, http = "%s" }'
  house:write("a", "node.lua", text:format(address or "127.0.0.1:0"))
  return house:serve("a"):expect "tells of itself at http://(%S+)/"
end

local function link(house)
  local made = house:run("a", "open")
  assert.equal(0, made.status, made.err)
  return made.out:match "^http://([%d.:]+)(/%?token=%x+)\n$"
end

---A session; gives the cookie that proves it.
local function session(house, address)
  local _, path = link(house)
  return http.ask(address, "GET", path).headers["set-cookie"]:match "^[^;]+"
end

local function basic(house, ...)
  return "Basic " .. crypto.base64(house:run("a", "http-key", ...).out:match "^(%S+)\n$")
end

---What asks with a session: method, path, headers, and what is sent.
local function asker(house, address)
  local cookie = session(house, address)
  return function(method, path, headers, body)
    local all = { Cookie = cookie }
    for name, value in pairs(headers or {}) do all[name] = value end
    return http.ask(address, method, path, { headers = all, body = body })
  end
end

---As the page itself sends a change.
local function own(address, more)
  local headers = { Host = address, Origin = "http://" .. address, ["Sec-Fetch-Site"] = "same-origin", ["X-Filo"] = "1" }
  for name, value in pairs(more or {}) do headers[name] = value or nil end
  return headers
end

describe("the page of a node", function()
  it("is opened by a link of filo open, once", function()
    local house <close> = commands.house()
    local address = served(house)
    local place, path = link(house)
    assert.equal(address, place)
    assert.equal(64, #path:match "token=(%x+)")
    local entered = http.ask(address, "GET", path)
    assert.same({ 200, "text/html; charset=utf-8" }, { entered.status, entered.headers["content-type"] })
    assert.matches('<meta http%-equiv="refresh" content="0; url=/">', entered.body)
    assert.matches("^filo%-%x+=%x+; Max%-Age=43200; Path=/; HttpOnly; SameSite=Strict$", entered.headers["set-cookie"])
    assert.equal("no-referrer", entered.headers["referrer-policy"])
    local again = http.ask(address, "GET", path)
    assert.same({ 403 }, { again.status, again.headers["set-cookie"] })
    assert.matches("this link was used", again.body)
    assert.equal(403, http.ask(address, "GET", "/?token=").status)
    local cookie = entered.headers["set-cookie"]:match "^[^;]+"
    for _, sent in ipairs { cookie, "a=b; " .. cookie .. "; c=d", cookie:match "^[^=]+=" .. "x; " .. cookie } do
      local page = http.ask(address, "GET", "/", { headers = { Cookie = sent } })
      assert.same({ 200, "text/html; charset=utf-8" }, { page.status, page.headers["content-type"] })
      assert.matches("^default%-src 'none'; script%-src 'self'; style%-src 'self'", page.headers["content-security-policy"])
      assert.is_nil(page.body:find "<script>")
      assert.is_nil(page.body:find " on%l+=")
      assert.is_nil(page.body:find " style=")
    end
    for _, sent in ipairs { "", cookie .. "0", cookie:sub(1, -2), "x" .. cookie, cookie:match "^[^=]+=" } do
      assert.equal(401, http.ask(address, "GET", "/", { headers = { Cookie = sent } }).status)
    end
  end)

  it("has parts that are what they say, and no others", function()
    local house <close> = commands.house()
    local ask = asker(house, served(house))
    assert.equal("text/css; charset=utf-8", ask("GET", "/page/page.css").headers["content-type"])
    local script = ask("GET", "/page/main.js")
    assert.equal("text/javascript; charset=utf-8", script.headers["content-type"])
    assert.equal("nosniff", script.headers["x-content-type-options"])
    for _, path in ipairs { "..%2Finit.lua", "init.lua", "%2e%2e", "nothing.js", "page.css%00.js", "PAGE.css", "" } do
      assert.equal(404, ask("GET", "/page/" .. path).status, path)
    end
    assert.equal(405, ask("POST", "/").status)
  end)

  it("ends its session when it is told to", function()
    local house <close> = commands.house()
    local address = served(house)
    local ask = asker(house, address)
    local left = ask("POST", "/api/leave", own(address))
    assert.equal(204, left.status)
    assert.matches("=; Max%-Age=0;", left.headers["set-cookie"])
    local over = ask("GET", "/api/status", { ["X-Filo"] = "1" })
    assert.same({ 401 }, { over.status, over.headers["www-authenticate"] })
    assert.equal(401, ask("GET", "/events").status)
  end)

  it("is for keys to everything, and not for those to a prefix", function()
    local house <close> = commands.house()
    local address = served(house)
    local all, reads, limited = basic(house), basic(house, "--read"), basic(house, "photos/")
    local function status(method, path, key)
      return http.ask(address, method, path, {
        headers = { Authorization = key, ["X-Filo"] = "1" }, body = method == "POST" and "{}" or nil,
      }).status
    end
    for _, path in ipairs { "/", "/page/main.js", "/api/status", "/api/members", "/api/plan", "/api/keys", "/api/usage" } do
      assert.same({ 200, 200, 403, 401 }, {
        status("GET", path, all), status("GET", path, reads), status("GET", path, limited), status("GET", path, "Basic eDp5"),
      }, path)
    end
    for _, path in ipairs { "/api/apply", "/api/drain", "/api/forget" } do
      assert.same({ 400, 403, 403, 401 }, {
        status("POST", path, all), status("POST", path, reads), status("POST", path, limited), status("POST", path, "Basic eDp5"),
      }, path)
    end
    local asked = http.ask(address, "GET", "/")
    assert.same({ 401, 'Basic realm="filo", charset="UTF-8"' }, { asked.status, asked.headers["www-authenticate"] })
  end)

  it("changes nothing that another site asks for", function()
    local house <close> = commands.house()
    local address = served(house)
    local ask = asker(house, address)
    local port = address:match ":(%d+)$"
    local function status(more, body) return ask("POST", "/api/apply", own(address, more), body or '{"plan":"nonsense"}').status end
    assert.equal(400, status()) -- it is asked for, and there is no such plan
    assert.equal(400, status { ["Sec-Fetch-Site"] = false })
    assert.equal(400, status { Origin = false })
    for _, more in ipairs {
      { ["X-Filo"] = false }, { ["X-Filo"] = "0" }, { Origin = "http://evil.test" }, { Origin = "null" },
      { Origin = "http://evil.test:" .. port }, { Origin = "http://127.0.0.1" }, { Origin = "http://127.0.0.1:1" },
      { Origin = "http://" .. address .. ".evil.test" }, { Origin = "ftp://" .. address },
      { Host = "evil.test:" .. port }, { ["Sec-Fetch-Site"] = "cross-site" },
      { ["Sec-Fetch-Site"] = "same-site" }, { ["Sec-Fetch-Site"] = "none" }, { Origin = false, ["Sec-Fetch-Site"] = false },
    } do
      assert.equal(403, status(more), json.encode(more))
    end
    assert.equal(403, ask("GET", "/api/status", { ["Sec-Fetch-Site"] = "cross-site" }).status)
    assert.equal(403, ask("GET", "/api/status", { Origin = "http://evil.test" }).status)
    assert.equal(200, ask("GET", "/", { ["Sec-Fetch-Site"] = "cross-site" }).status) -- a link may lead there
    local answer = ask("GET", "/api/status")
    assert.is_nil(answer.headers["access-control-allow-origin"])
    assert.equal(405, ask("OPTIONS", "/api/apply", { Origin = "http://evil.test" }).status)
    assert.equal(400, status(nil, "no JSON"))
    assert.equal(413, status(nil, (" "):rep(65537)))
  end)

  it("asks for the whole ID of who is to be drained or removed", function()
    local house <close> = commands.house()
    local address = served(house)
    local ask = asker(house, address)
    for _, name in ipairs { "drain", "forget" } do
      for _, id in ipairs { '"home"', '"abcd"', "17", "{}", '"' .. ("g"):rep(64) .. '"' } do
        assert.equal(400, ask("POST", "/api/" .. name, own(address), ('{"id":%s}'):format(id)).status)
      end
    end
  end)

  it("tells what the commands tell, as JSON", function()
    local house <close> = commands.house()
    local ask = asker(house, served(house))
    local function get(path)
      local answer = ask("GET", "/api/" .. path)
      local headers = answer.headers
      assert.same({ 200, "application/json", "no-store" }, { answer.status, headers["content-type"], headers["cache-control"] })
      return json.decode(answer.body, 1, nil)
    end
    assert.equal(0, house:feed("content", "a", "put", "--key", "<b>\xff", "-").status)
    local status = get "status"
    assert.same({ "home", 1 }, { status.name, status.stored[1].objects })
    assert.same({}, get "members")
    assert.equal(status.free ~= nil, get("space").free ~= nil)
    assert.is_table(get("scrub").scrub)
    assert.is_table(get("short").copies)
    assert.is_table(get("activity").moving)
    assert.is_nil(get("applied").applied)
    assert.equal(1, get("plan").objects)
    local found = get("keys?prefix=%3C")[1]
    assert.same({ "<b>\u{FFFD}", "3c623eff" }, { found.key, found.key_hex })
    assert.equal("3c623eff", get("placement?hex=3c623eff").item.key_hex)
    assert.equal(7, get("placement?key=%3Cb%3E%ff").item.size)
    assert.same({ 404, 400, 400 }, {
      ask("GET", "/api/placement?key=nothing").status, ask("GET", "/api/placement").status, ask("GET", "/api/placement?hex=x").status,
    })
  end)

  it("is found on this machine, wherever the node listens", function()
    local house <close> = commands.house()
    local address = served(house, "0.0.0.0:0")
    assert.equal("127.0.0.1:" .. address:match "%d+$", (link(house)))
    assert.equal("", house:run("a", "open", "--json").out:match '^{"url":"http://127.0.0.1:%d+/%?token=%x+"}\n(.*)$')
  end)

  it("is there where node.lua says so", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    assert.equal(5, house:run("a", "open").status)
    house:serve "a"
    local failed = house:run("a", "open")
    assert.equal(1, failed.status)
    assert.matches('the node has no page: give it one by http = "127.0.0.1:7180" in node.lua', failed.err, 1, true)
  end)
end)

describe("over TLS, a session", function()
  local function request(origin)
    return { secure = true, host = "filo.test", headers = { origin = origin, ["x-filo"] = "1", ["sec-fetch-site"] = "same-origin" } }
  end

  it("goes over TLS only, and is for pages that came so", function()
    local sessions = new_sessions()
    local guard = new_guard({ id = ("a"):rep(64), root = "/nowhere" }, sessions)
    local cookie = guard:set_cookie(request(), sessions:begin(sessions:token()))
    assert.matches("; SameSite=Strict; Secure$", cookie)
    local change = guard:changes(function() return 204 end)
    for origin, status in pairs { ["https://filo.test"] = 204, ["https://FILO.test"] = 204, ["http://filo.test"] = 403 } do
      local asked = request(origin)
      asked.headers.cookie = cookie:match "^[^;]+"
      local answer = change(asked)
      assert.equal(status, type(answer) == "table" and answer.status or answer, origin)
    end
  end)
end)

describe("sessions", function()
  local now = filo.now
  local time

  before_each(function()
    time = now()
    filo.now = function() return time end
  end)
  after_each(function() filo.now = now end)

  it("begin within a minute, once for each token", function()
    local sessions = new_sessions()
    local first, second = sessions:token(), sessions:token()
    time = time + 59
    local begun = sessions:begin(first)
    assert.is_true(sessions:has(begun))
    assert.is_false(sessions:has(first))
    assert.is_nil(sessions:begin(first))
    assert.is_nil(sessions:begin(begun))
    time = time + 1
    assert.is_nil(sessions:begin(second))
  end)

  it("last for 12 hours, or until they are ended", function()
    local sessions = new_sessions()
    local one, two = sessions:begin(sessions:token()), sessions:begin(sessions:token())
    time = time + 12 * 3600 - 1
    assert.is_true(sessions:has(one))
    sessions:finish(one)
    assert.same({ false, true }, { sessions:has(one), sessions:has(two) })
    time = time + 1
    assert.is_false(sessions:has(two))
  end)

  it("are 64 at most: the oldest goes", function()
    local sessions = new_sessions()
    local list = {}
    for i = 1, 65 do list[i] = sessions:begin(sessions:token()) end
    assert.same({ false, true, true }, { sessions:has(list[1]), sessions:has(list[2]), sessions:has(list[65]) })
  end)
end)
