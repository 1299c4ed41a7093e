---Objects that `filo serve` gives and takes over HTTP, and the keys to them.

local commands = require "spec.support.commands"
local filo = require "filo"
local crypto = require "filo.core.crypto"
local http = require "spec.support.http"
local json = require "filo.dkjson"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"

local base64 = crypto.base64

---A root whose node serves objects; gives where.
local function served(house)
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", http = { address = "127.0.0.1:0", objects = true } }')
  local child = house:serve "a"
  return child:expect "serves objects at http://([%d.:]+)/o/"
end

---Makes a key; gives what asks with it: method, name, options of http.text.
local function asker(house, address, ...)
  local made = house:run("a", "http-key", ...)
  assert.equal(0, made.status, made.err)
  local pair = made.out:match "^([%u%d]+:[%u%d]+)\n$"
  return function(method, name, given)
    given = given or {}
    given.headers = given.headers or {}
    given.headers.Authorization = given.headers.Authorization or "Basic " .. base64(pair)
    return http.ask(address, method, "/o/" .. name, given)
  end, pair
end

describe("objects over HTTP", function()
  it("are put, given, listed and deleted", function()
    local house <close> = commands.house()
    local ask = asker(house, served(house))
    local content = nodes.bytes(2000000)
    assert.equal(201, ask("PUT", "photos/a%20b.png", { body = content, headers = { ["Content-Type"] = "image/png" } }).status)
    assert.equal(201, ask("PUT", "photos/2024/c", { body = "" }).status)
    local answer = ask("GET", "photos/a%20b.png")
    assert.equal(200, answer.status)
    assert.is_true(answer.body == content)
    assert.equal("image/png", answer.headers["content-type"])
    assert.equal("nosniff", answer.headers["x-content-type-options"])
    assert.matches("^sandbox;", answer.headers["content-security-policy"])
    assert.equal(content:sub(11, 20), ask("GET", "photos/a%20b.png", { headers = { Range = "bytes=10-19" } }).body)
    assert.equal(304, ask("GET", "photos/a%20b.png", { headers = { ["If-None-Match"] = answer.headers.etag } }).status)
    assert.equal("2000000", ask("HEAD", "photos/a%20b.png").headers["content-length"])

    house:run("a", "get", "photos/a b.png", "--output", house.folder:file "copy") -- the same objects
    assert.is_true(house.folder:read "copy" == content)

    local lines = {}
    for line in ask("GET", "photos/", { headers = { Accept = "application/json" } }).body:gmatch "[^\n]+" do
      lines[#lines + 1] = json.decode(line)
    end
    assert.equal("2024/", lines[1].name)
    assert.same({ "a b.png", 2000000 }, { lines[2].name, lines[2].size })
    assert.is_nil(lines[3])

    assert.equal(204, ask("DELETE", "photos/a%20b.png").status)
    assert.equal(404, ask("GET", "photos/a%20b.png").status)
    assert.equal(404, ask("DELETE", "nothing").status)
  end)

  it("are listed on a page, in which no name is anything but text", function()
    local house <close> = commands.house()
    local ask = asker(house, served(house))
    local name = [[<script>alert("x&y")</script>'.html]]
    assert.equal(201, ask("PUT", (name:gsub(".", function(c) return ("%%%02X"):format(c:byte()) end)), { body = "x" }).status)
    local answer = ask("GET", "")
    assert.equal("text/html; charset=utf-8", answer.headers["content-type"])
    assert.matches("default%-src 'none'", answer.headers["content-security-policy"])
    assert.is_nil(answer.body:find("<script", 1, true))
    assert.matches("&lt;script&gt;alert%(&quot;x&amp;y&quot;%)&lt;/", answer.body)
    assert.matches('href="%./%%3Cscript%%3Ealert', answer.body)
  end)

  it("are listed a thousand at a time", function()
    local house <close> = commands.house()
    local address = served(house)
    local ask = asker(house, address)
    for i = 1, 1005 do house.folder:write(("many-%04d"):format(i), "") end
    assert.equal(0, process.run { program = "sh", "-c", 'mkdir "$1/tree" && mv "$1"/many-* "$1/tree"', "sh", house.folder.path }.status)
    assert.equal(0, house:within("a", "put", "-r", "tree").status)
    local function list(query) return ask("GET", "tree/" .. query, { headers = { Accept = "application/json" } }).body end
    local first = list ""
    assert.equal(1001, select(2, first:gsub("\n", "")))
    assert.equal("many-1000", json.decode(first:match "([^\n]+)\n$").more)
    local rest = list "?after=many-1000"
    assert.equal(5, select(2, rest:gsub("\n", "")))
    assert.matches('"many%-1001"', rest)
    assert.matches('<a href="%?after=many%-1000">', ask("GET", "tree/").body)
  end)

  it("are listed by folders, however much is in them, also from a folder on", function()
    local house <close> = commands.house()
    local ask = asker(house, served(house))
    for i = 1, 150 do house.folder:write(("in-%03d"):format(i), "") end
    local made = 'cd "$1" && mkdir -p t/a/b t/c && mv in-* t/a/b && touch t/a-b t/a0 t/c/d t/z'
    assert.equal(0, process.run { program = "sh", "-c", made, "sh", house.folder.path }.status)
    assert.equal(0, house:within("a", "put", "-r", "t").status)
    local function names(query)
      local list = {}
      for line in ask("GET", "t/" .. query, { headers = { Accept = "application/json" } }).body:gmatch "[^\n]+" do
        list[#list + 1] = json.decode(line).name
      end
      return list
    end
    assert.same({ "a-b", "a/", "a0", "c/", "z" }, names "")
    assert.same({ "a0", "c/", "z" }, names "?after=a/")
    assert.same({ "c/", "z" }, names "?after=a0")
    assert.same({}, names "?after=z")
  end)

  it("are opened by keys only, each as far as it goes, until it is revoked", function()
    local house <close> = commands.house()
    local address = served(house)
    local writer, pair = asker(house, address, "photos/")
    local reader = asker(house, address, "--read")
    assert.equal(201, writer("PUT", "photos/a", { body = "x" }).status)
    assert.equal(403, writer("PUT", "other", { body = "x" }).status)
    assert.equal(403, writer("GET", "").status)
    assert.equal(403, writer("GET", "photo").status)
    assert.equal("x", reader("GET", "photos/a").body)
    assert.equal(403, reader("PUT", "photos/a", { body = "y" }).status)
    assert.equal(403, reader("DELETE", "photos/a").status)
    local id, secret = pair:match "^(.-):(.*)$"
    for _, wrong in ipairs {
      "", "Basic", "Basic !", "Basic " .. base64(id), "Basic " .. base64(id .. ":"), "Basic " .. base64(id .. ":" .. secret:sub(2)),
      "Basic " .. base64(id .. ":" .. secret .. "A"), "Basic " .. base64("../cluster:x"), "Basic " .. base64(":" .. secret),
      "Bearer " .. base64(pair), "Basic " .. base64(("A"):rep(20) .. ":"),
    } do
      local answer = reader("GET", "photos/a", { headers = { Authorization = wrong } })
      assert.same({ 401, 'Basic realm="filo", charset="UTF-8"' }, { answer.status, answer.headers["www-authenticate"] })
    end
    assert.equal(401, http.ask(address, "GET", "/o/photos/a").status)

    local listed = house:run("a", "http-key", "--list").out
    assert.matches(id .. "  [%d-]+ [%d:]+  write  photos/\n", listed)
    assert.matches("  read   everything\n", listed)
    assert.is_nil(listed:find(secret, 1, true))
    assert.equal(0, house:run("a", "http-key", "--revoke", id).status)
    assert.equal(401, writer("GET", "photos/a").status)
    assert.equal("x", reader("GET", "photos/a").body)
    local again = house:run("a", "http-key", "--revoke", id)
    assert.equal(1, again.status)
    assert.equal(("filo http-key: there is no key %s: 'filo http-key --list' lists them\n"):format(id), again.err)
    local modes = process.run { program = "sh", "-c", 'echo $(stat -c %a "$1" "$1"/*)', "sh", house:root "a" .. "/http-keys" }
    assert.equal("700 600\n", modes.out)
  end)

  it("are not opened by a key that is damaged, or longer than a name can be", function()
    local house <close> = commands.house()
    local missing = house:run("a", "http-key", "--list")
    assert.equal(1, missing.status)
    assert.matches("there is no node in ", missing.err)
    local address = served(house)
    local long = house:run("a", "http-key", ("p"):rep(4097))
    assert.same({ 1, "filo http-key: a prefix has 4096 bytes at most\n" }, { long.status, long.err })
    assert.equal(0, house:run("a", "http-key", ("p"):rep(4096)).status)
    assert.equal(0, house:run("a", "http-key", "--list").status)
    local id = ("A"):rep(20)
    for _, text in ipairs {
      "", "secret S\naccess read\nprefix 1\ntime 1\n", "secret S\naccess all\nprefix \ntime 1\n",
      "secret S\naccess read\nprefix \ntime 99999999999999999999\n",
    } do
      house:write("a", "http-keys/" .. id, text)
      assert.equal(401, http.ask(address, "GET", "/o/a", { headers = { Authorization = "Basic " .. base64(id .. ":S") } }).status)
      assert.matches(id .. " is no key: remove it", house:run("a", "http-key", "--list").err)
    end
  end)

  it("are of the kind that was said, if any, and asked for again each time", function()
    local house <close> = commands.house()
    local ask = asker(house, served(house))
    for said, kind in pairs { ["text/css"] = "text/css", [""] = "application/octet-stream", ["a/\xff"] = "application/octet-stream" } do
      assert.equal(201, ask("PUT", "a", { body = "x", headers = { ["Content-Type"] = said } }).status)
      local headers = ask("GET", "a").headers
      assert.same({ kind, "private, no-cache" }, { headers["content-type"], headers["cache-control"] })
    end
  end)

  it("are put and deleted on a condition", function()
    local house <close> = commands.house()
    local ask = asker(house, served(house))
    local function status(method, header, value, body)
      return ask(method, "a", { body = body, headers = { [header] = value } }).status
    end
    assert.same({ 412, 412 }, { status("PUT", "If-Match", "*", "0"), status("PUT", "If-Match", '"0"', "0") })
    assert.equal(404, status("DELETE", "If-Match", "*"))
    local first = ask("PUT", "a", { body = "1", headers = { ["If-None-Match"] = "*" } })
    assert.equal(201, first.status)
    local tag = first.headers.etag
    local failed = ask("PUT", "a", { body = ("x"):rep(3000000), headers = { ["If-None-Match"] = "*" } })
    assert.same({ 412, "what is there is not what the condition asks for\n" }, { failed.status, failed.body })
    assert.same({ 412, 412 }, { status("PUT", "If-None-Match", tag, "x"), status("PUT", "If-Match", '"0"', "x") })
    assert.equal("1", ask("GET", "a").body)
    local second = ask("PUT", "a", { body = "2", headers = { ["If-Match"] = tag } })
    assert.equal(201, second.status)
    assert.same({ 412, 412 }, { status("PUT", "If-Match", tag, "x"), status("DELETE", "If-Match", tag) })
    assert.equal(201, status("PUT", "If-Unmodified-Since", "Fri, 01 Jan 2100 00:00:00 GMT", "3"))
    assert.equal(412, status("PUT", "If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT", "x"))
    assert.equal(412, status("DELETE", "If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"))
    local third = ask("GET", "a")
    assert.equal("3", third.body)
    assert.equal(204, status("DELETE", "If-Match", '"0", ' .. third.headers.etag))
    assert.equal(412, status("PUT", "If-Match", third.headers.etag, "x"))
    assert.same({ 201, 201 }, { status("PUT", "If-None-Match", "*", "4"), status("PUT", "If-None-Match", tag, "5") })
    assert.equal("5", ask("GET", "a").body)
  end)

  it("are put once by many who want to be the first", function()
    local house <close> = commands.house()
    local ask = asker(house, served(house))
    for round = 1, 5 do
      local tasks, won, lost = {}, nil, 0
      for i = 1, 6 do
        tasks[i] = filo.spawn(function()
          local answer = ask("PUT", "a" .. round, { body = tostring(i), headers = { ["If-None-Match"] = "*" } })
          if answer.status == 201 then won = i else lost = lost + (answer.status == 412 and 1 or 0) end
        end)
      end
      for _, task in ipairs(tasks) do task:join() end
      assert.equal(5, lost)
      assert.equal(tostring(won), ask("GET", "a" .. round).body)
    end
  end)

  it("are changed on a condition by the owner of their namespace only", function()
    local house <close> = commands.house()
    house:run("b", "init", "--listen", "127.0.0.1:0")
    local line = house.folder:write("line", house:run("b", "share", "--write").out)
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local accepted = house:run("a", "accept", "--name", "main", line)
    assert.equal(0, accepted.status, accepted.err)
    house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", http = { address = "127.0.0.1:0", objects = true } }')
    local ask = asker(house, house:serve("a"):expect "serves objects at http://([%d.:]+)/o/")
    assert.equal(201, ask("PUT", "a", { body = "x" }).status)
    for _, case in ipairs { { "PUT", "If-None-Match" }, { "PUT", "If-Match" }, { "DELETE", "If-Match" } } do
      local answer = ask(case[1], "a", { body = case[1] == "PUT" and "y" or nil, headers = { [case[2]] = "*" } })
      assert.equal(501, answer.status)
      assert.matches("only the owner of the namespace %x+ decides", answer.body)
    end
    assert.equal("x", ask("GET", "a").body)
  end)

  it("are put whole, and not as a folder", function()
    local house <close> = commands.house()
    local ask = asker(house, served(house))
    assert.equal(400, ask("PUT", "folder/", { body = "x" }).status)
    assert.equal(400, ask("PUT", "a", { body = "x", headers = { ["Content-Range"] = "bytes 0-0/2" } }).status)
    assert.equal(415, ask("PUT", "a", { body = "x", headers = { ["Content-Encoding"] = "gzip" } }).status)
    assert.equal(405, ask("POST", "a", { body = "x" }).status)
    assert.equal(404, ask("GET", "a").status)
  end)

  it("are stored, and that is told as a failure, when there are not as many copies as the policy asks for", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", [[
      local filo = require "filo"
      return {
        listen = "127.0.0.1:0", http = { address = "127.0.0.1:0", objects = true },
        policy = filo.policy.with({ quorum = 2 }, filo.policy.copies(2)),
      }
    ]])
    local ask = asker(house, house:serve("a"):expect "serves objects at http://([%d.:]+)/o/")
    local answer = ask("PUT", "a", { body = "x" })
    assert.same({ 503, "5" }, { answer.status, answer.headers["retry-after"] })
    assert.matches("cop", answer.body)
    assert.equal("x", ask("GET", "a").body)
  end)

  it("are not there unless node.lua says so", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", http = "127.0.0.1:0" }')
    local address = house:serve("a"):expect "tells of itself at http://([%d.:]+)/"
    local ask = asker(house, address)
    assert.equal(404, ask("GET", "a").status)
  end)
end)
