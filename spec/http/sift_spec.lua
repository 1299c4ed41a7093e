---Bodies of requests that pass a sieve before they are read or stored.

local aws_chunked = require "spec.support.aws_chunked"
local body = require "filo.http.body"
local crypto = require "filo.core.crypto"
local filo = require "filo"
local http = require "spec.support.http"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"

local LARGE = nodes.bytes(3000000, 1)

local signer = aws_chunked.signer {
  secret = "secret", day = "20261201", time = "120000", region = "here", seed = ("5e"):rep(32),
}

local function md5(text) return crypto.hex(crypto.digest("md5", text)) end

---Digests and trailers in a line.
local function said(came)
  local trailer = body.trailers(came)["x-amz-checksum-crc32"] or "none"
  return ("%s %s"):format(crypto.hex(body.digests(came).md5), trailer)
end

---A server that sifts what comes and reads it as its path says.
local function reading(plan)
  return http.serve(function(request)
    local came, text = request:body(), ""
    assert(body.sift(came, plan))
    if request.path == "/all" then
      local err
      text, err = came:read("a", 1 << 23)
      if not text then return nil, err end
    elseif request.path == "/chunks" then
      for piece in came:chunks() do text = text .. piece end
    else
      for piece in function() return came:read(7) end do text = text .. piece end
    end
    return ("%s %d %s"):format(tostring(came.length), #text, said(came))
  end)
end

describe("a body that is sifted", function()
  it("is read as any other", function()
    local plan = aws_chunked.plan(signer, { digests = { "md5" }, trailer_signed = true, length = 5 })
    local server <close> = reading(plan)
    local client <close> = http.dial(server)
    local framed = aws_chunked.body({ "abc", "de" }, signer, { { "x-amz-checksum-crc32", "hY6bHg==" } })
    for _, path in ipairs { "/all", "/chunks", "/pieces" } do
      for _ = 1, 2 do
        assert.equal(("5 5 %s hY6bHg=="):format(md5 "abcde"), client:ask("PUT", path, { body = framed }).body)
      end
    end
  end)

  it("may have no bytes, or not be there", function()
    local server <close> = reading { digests = { "md5" }, length = 0 }
    local client <close> = http.dial(server)
    local expected = ("0 0 %s none"):format(md5 "")
    for _, path in ipairs { "/all", "/chunks", "/pieces" } do
      assert.equal(expected, client:ask("PUT", path, { body = "" }).body)
      assert.equal(expected, client:ask("PUT", path).body)
      client:send(http.text("PUT", path, { headers = { ["Transfer-Encoding"] = "chunked" } }) .. "0\r\n\r\n")
      assert.equal(expected, client:answer().body)
      client:send(http.text("PUT", path, { body = "", headers = { Expect = "100-continue" } }))
      assert.equal("HTTP/1.1 100 Continue\r\n\r\n", client:up_to "\r\n\r\n")
      assert.equal(expected, client:answer().body)
    end
  end)

  it("is asked for where the client waits", function()
    local server <close> = reading { digests = { "md5" }, length = 3 }
    local client <close> = http.dial(server)
    client:send "PUT /all HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    assert.equal("HTTP/1.1 100 Continue\r\n\r\n", client:up_to "\r\n\r\n")
    client:send "abc"
    assert.equal(("3 3 %s none"):format(md5 "abc"), client:answer().body)
  end)

  it("that does not pass is refused, and the next request answered", function()
    local server <close> = reading(aws_chunked.plan(signer, { digests = { "md5" } }))
    local client <close> = http.dial(server)
    local framed = aws_chunked.body({ "abc", ("x"):rep(100000) }, signer)
    for _ = 1, 2 do
      local answer = client:ask("PUT", "/all", { body = (framed:gsub("abc", "abd", 1)) })
      assert.equal(403, answer.status)
      assert.matches("^chunk 1 of the body is not what was signed", answer.body)
      assert.equal(400, client:ask("PUT", "/all", { body = "junk\r\n" .. ("x"):rep(1000) }).status)
      assert.equal(200, client:ask("PUT", "/all", { body = framed }).status)
    end
  end)

  it("is stored, with its digests known then", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local server <close> = http.serve(function(request)
      local came = request:body()
      local size = tonumber(request.headers["x-amz-decoded-content-length"])
      assert(body.sift(came, aws_chunked.plan(signer, { length = size, digests = { "md5" }, trailer_signed = true })))
      local receipt, err = a:store("k", came)
      if not receipt then return nil, err end
      return ("%d %s"):format(receipt.size, said(came))
    end)
    local client <close> = http.dial(server)
    for _, size in ipairs { 0, 1, 65536, 1 << 20, #LARGE } do
      local content = LARGE:sub(1, size)
      local pieces = {}
      for at = 1, size, 100000 do pieces[#pieces + 1] = content:sub(at, at + 99999) end
      local framed = aws_chunked.body(pieces, signer, { { "x-amz-checksum-crc32", "AAAAAA==" } })
      local headers = { ["X-Amz-Decoded-Content-Length"] = size }
      local answer = client:ask("PUT", "/", { body = framed, headers = headers })
      assert.equal(("%d %s AAAAAA=="):format(size, md5(content)), answer.body)
      assert.is_true(nodes.content(a, "k") == content)
      for status, other in pairs { [400] = size + 1, [403] = size } do
        local text = status == 403 and framed:gsub("AAAAAA==", "AAAAAB==") or framed
        answer = client:ask("PUT", "/", { body = text, headers = { ["X-Amz-Decoded-Content-Length"] = other } })
        assert.equal(status, answer.status)
        assert.is_true(nodes.content(a, "k") == content)
      end
    end
  end)

  it("says what is wrong with a call", function()
    local kept
    local server <close> = http.serve(function(request)
      local came = request:body()
      kept = came
      raises("sift_spec.lua:%d+: digests: this body was not sifted", function() body.digests(came) end)
      if request.path == "/read" then
        came:read(1)
        raises("sift_spec.lua:%d+: sift: something of this body has been read", function() body.sift(came, {}) end)
        return "read"
      end
      raises("plan.length", function() body.sift(came, { length = -1 }) end)
      assert(body.sift(came, {}))
      raises("sift_spec.lua:%d+: sift: something of this body has been read", function() body.sift(came, {}) end)
      raises("sift_spec.lua:%d+: digests: this body has not come whole", function() body.digests(came) end)
      raises("sift_spec.lua:%d+: trailers: this body has not come whole", function() body.trailers(came) end)
      assert(came:read "a")
      assert.same({}, body.digests(came))
      return "sifted"
    end)
    local client <close> = http.dial(server)
    assert.equal("read", client:ask("PUT", "/read", { body = "abc" }).body)
    assert.equal("sifted", client:ask("PUT", "/sift", { body = "abc" }).body)
    assert.equal("sifted", client:ask("PUT", "/sift").body)
    assert.equal("sifted", client:ask("PUT", "/sift", { body = "abc" }).body)
    while server.connections < 1 do filo.sleep(0) end
    client:close()
    while server.connections > 0 do filo.sleep(0) end
    raises("its request has been answered", body.digests, kept)
  end)
end)
