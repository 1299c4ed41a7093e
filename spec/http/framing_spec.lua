local filo = require "filo"
local http = require "spec.support.http"
local process = require "spec.support.process"

---What a request was, in one line.
local function describe_request(request)
  local body = assert(request:body():read "a")
  return ("%s %s %s %d [%s]"):format(request.method, request.raw_path, request.headers.host or "-", request.minor, body)
end

---That bytes are refused: with that status, and then the connection ends.
local function assert_refused(server, status, bytes)
  local client <close> = http.dial(server)
  client:send(bytes)
  local answer = client:answer()
  assert(answer, "no answer to " .. bytes:sub(1, 100))
  assert.equal(status, answer.status, bytes:sub(1, 100))
  assert.equal("close", answer.headers.connection)
  client:end_of()
end

local function head(...) return table.concat({ ... }, "\r\n") .. "\r\n\r\n" end

describe("what comes to a server", function()
  it("is understood however it is cut", function()
    local server <close> = http.serve(describe_request)
    local text = "PUT /a?b HTTP/1.1\r\nHost: one\r\nContent-Length: 3\r\n\r\nabc"
      .. "POST /c HTTP/1.1\r\nhost:two  \r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nde\r\n1\r\nf\r\n0\r\nTrailer: z\r\n\r\n"
      .. "GET /g HTTP/1.1\r\nHost: three\r\n\r\n"
    local answers = { "PUT /a one 1 [abc]", "POST /c two 1 [def]", "GET /g three 1 []" }
    for at = 1, #text - 1 do
      local client <close> = http.dial(server)
      client:send(text:sub(1, at))
      filo.sleep(0)
      client:send(text:sub(at + 1))
      for _, expected in ipairs(answers) do assert.equal(expected, client:answer().body) end
    end
  end)

  it("is understood byte by byte", function()
    local server <close> = http.serve(describe_request)
    local client <close> = http.dial(server)
    for byte in http.text("PUT", "/a", { body = "abc" }):gmatch "." do client:send(byte) end
    for byte in (http.text("PUT", "/b", { headers = { ["Transfer-Encoding"] = "chunked" } }) .. "1\r\nx\r\n0\r\n\r\n"):gmatch "." do
      client:send(byte)
    end
    assert.equal("PUT /a filo.test 1 [abc]", client:answer().body)
    assert.equal("PUT /b filo.test 1 [x]", client:answer().body)
  end)

  it("is answered in its order", function()
    local server <close> = http.serve(describe_request)
    local client <close> = http.dial(server)
    local texts = {}
    for i = 1, 200 do texts[i] = http.text("PUT", "/" .. i, { body = ("x"):rep(i * 37 % 1000) }) end
    local writer = filo.spawn(function() client:send(table.concat(texts)) end)
    for i = 1, 200 do
      assert.equal(("PUT /%d filo.test 1 [%s]"):format(i, ("x"):rep(i * 37 % 1000)), client:answer().body)
    end
    writer:join()
  end)

  -- The second had the fields of the first.
  it("has nothing of the request before", function()
    local server <close> = http.serve(function(request) return request.raw_path .. " " .. tostring(request.headers.x) end)
    local client <close> = http.dial(server)
    assert.equal("/one 1", client:get("/one", { X = 1 }).body)
    assert.equal("/2 nil", client:get("/2").body)
    assert.equal("/three 3", client:get("/three", { X = 3 }).body)
  end)

  it("may have empty lines before it", function()
    local server <close> = http.serve(describe_request)
    local client <close> = http.dial(server)
    client:send("\r\n\r\n" .. http.text("GET", "/a") .. "\r\n" .. http.text("GET", "/b"))
    assert.equal("GET /a filo.test 1 []", client:answer().body)
    assert.equal("GET /b filo.test 1 []", client:answer().body)
  end)

  it("is answered in the protocol that it began with", function()
    local server <close> = http.serve(describe_request)
    local client <close> = http.dial(server)
    client:send(head("GET /ws HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket"))
    client:send(http.text("PUT", "/h2", { body = "abc", headers = { Connection = "Upgrade, HTTP2-Settings", Upgrade = "h2c" } }))
    assert.equal("GET /ws x 1 []", client:answer().body)
    assert.equal("PUT /h2 filo.test 1 [abc]", client:answer().body)
    assert.equal(200, client:get("/").status)
  end)

  it("may have trailers, which change nothing", function()
    local server <close> = http.serve(describe_request)
    local client <close> = http.dial(server)
    for _, trailer in ipairs { "Content-Length: 5", "Host: y", "Expect: 100-continue", "Connection: Upgrade\r\nUpgrade: x" } do
      client:send(head("PUT /t HTTP/1.1", "Host: x", "Transfer-Encoding: chunked") .. head("1", "a", "0", trailer))
      client:send(http.text("GET", "/next"))
      assert.equal("PUT /t x 1 [a]", client:answer().body)
      assert.equal("GET /next filo.test 1 []", client:answer().body)
    end
  end)

  it("may end with its last request, which is answered", function()
    local server <close> = http.serve(describe_request)
    local result = process.run { program = "perl", "-MIO::Socket::INET", "-e", [[
      my $socket = IO::Socket::INET->new(PeerAddr => $ARGV[0]) or die;
      print $socket $ARGV[1];
      $socket->flush;
      shutdown($socket, 1);
      print while <$socket>;
    ]], server.address, http.text("PUT", "/a", { body = "abc" }) .. http.text("GET", "/b") .. "GET /cut" }
    assert.matches("PUT /a filo.test 1 [abc]HTTP/1.1 200 OK", result.out, 1, true)
    assert.matches("GET /b filo.test 1 %[%]$", result.out)
  end)

  it("says whether the connection goes on", function()
    local server <close> = http.serve(describe_request)
    local function ask(minor, connection)
      local client <close> = http.dial(server)
      local answer = client:ask("GET", "/", { minor = minor, headers = { Connection = connection } })
      if answer.headers.connection == "close" then client:end_of() else assert.equal(200, client:get("/").status) end
      return answer.headers.connection
    end
    assert.is_nil(ask(1))
    assert.is_nil(ask(1, "keep-alive"))
    assert.equal("close", ask(1, "close"))
    assert.equal("close", ask(1, "Foo, CLOSE"))
    assert.equal("close", ask(0))
    assert.equal("keep-alive", ask(0, "keep-alive"))
  end)

  it("is of HTTP/1.0, too, without a Host", function()
    local server <close> = http.serve(describe_request)
    local client <close> = http.dial(server)
    client:send "PUT /a HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"
    assert.equal("PUT /a - 0 [abc]", client:answer().body)
    client:end_of()
  end)
end)

describe("a server refuses", function()
  it("what two programs may read differently", function()
    local server <close> = http.serve(describe_request)
    for _, lines in ipairs {
      { "Content-Length: 3", "Content-Length: 3" },
      { "Content-Length: 3", "Content-Length: 4" },
      { "Content-Length: 3, 3" },
      { "Content-Length: +3" },
      { "Content-Length: -3" },
      { "Content-Length: 0x3" },
      { "Content-Length: 3 3" },
      { "Content-Length:" },
      { "Content-Length: 18446744073709551616" },
      { "Content-Length: 3", "Transfer-Encoding: chunked" },
      { "Transfer-Encoding: chunked", "Content-Length: 3" },
      { "Content-Length : 3" },
      { "Content-Length\t: 3" },
      { " Content-Length: 3" },
      { "X: y", " Content-Length: 3" },
      { "X: y", "\tz" },
      { ": y" },
      { "X" },
      { "X: y\rContent-Length: 3" },
      { "X: y\nContent-Length: 3" },
      { "X: y\0z" },
      { "X\0: y" },
      { "Host: y" },
    } do
      assert_refused(server, 400, head("PUT / HTTP/1.1", "Host: x", table.unpack(lines)) .. "abc")
    end
  end)

  it("transfer codings that it does not know", function()
    local server <close> = http.serve(describe_request)
    for _, coding in ipairs {
      "gzip", "gzip, chunked", "chunked, chunked", "xchunked", "chunked, identity", "identity", "chunked;q=1", "",
    } do
      local client <close> = http.dial(server)
      client:send(head("PUT / HTTP/1.1", "Host: x", "Transfer-Encoding: " .. coding))
      local status = client:answer().status
      assert(status == 501 or status == 400, coding .. ": " .. status)
      client:end_of()
    end
    assert_refused(server, 400, head("PUT / HTTP/1.0", "Transfer-Encoding: chunked"))
  end)

  it("chunks that are none", function()
    local server <close> = http.serve(function(request)
      assert(request:body():read "a" == nil)
      return "seen"
    end)
    for _, chunks in ipairs {
      "3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "x\r\n", "-3\r\nabc\r\n", "0x3\r\nabc\r\n",
      " 3\r\nabc\r\n", "3 \r\nabc\r\n", "11111111111111111\r\n", "\r\n", "3;\nabc\r\n", "3\r\nabc\r\n0\r\nT: u\n\r\n",
      "3\r\nabc\r\n0\r\n T: u\r\n\r\n", "3\r\nabc\r\n0\r\n\n",
    } do
      local client <close> = http.dial(server)
      client:send(head("PUT / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked") .. chunks)
      assert.equal("seen", client:answer().body, chunks)
      client:end_of()
    end
  end)

  it("heads without a Host, and versions that it does not speak", function()
    local server <close> = http.serve(describe_request)
    assert_refused(server, 400, head("GET / HTTP/1.1"))
    assert_refused(server, 505, head("GET / HTTP/2.0", "Host: x"))
    assert_refused(server, 505, head("GET / HTTP/0.9", "Host: x"))
    assert_refused(server, 505, head("GET /", "Host: x"))
    for _, line in ipairs {
      "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET\t/ HTTP/1.1", "GET / ICE/1.0", "GET / http/1.1", "get / HTTP/1.1", " GET / HTTP/1.1",
    } do
      assert_refused(server, 400, head(line, "Host: x"))
    end
  end)

  -- Scripts were given it as the host that was asked for.
  it("a Host that is none", function()
    local server <close> = http.serve(function(request) return request.host end)
    for _, host in ipairs { "a b", "a/b", "a@b", "a:b", "<script>", "\xff", "[::1", "a:1:2" } do
      assert_refused(server, 400, head("GET / HTTP/1.1", "Host: " .. host))
    end
    local client <close> = http.dial(server)
    for _, host in ipairs { "a", "a.b:80", "127.0.0.1:8080", "[::1]:80", "a_b", "xn--caf-dma.example", "" } do
      assert.equal(host, client:get("/", { Host = host }).body)
    end
  end)

  it("methods that it does not know, tunnels, and HTTP/2", function()
    local server <close> = http.serve(describe_request)
    assert_refused(server, 501, head("BREW / HTTP/1.1", "Host: x"))
    assert_refused(server, 501, head("CONNECT a:1 HTTP/1.1", "Host: x"))
    local client <close> = http.dial(server)
    client:send "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert(client:answer().status >= 400)
    client:end_of()
  end)

  it("targets that make no sense", function()
    local server <close> = http.serve(describe_request)
    for _, target in ipairs { "x", "/%", "/%zz", "/#x", "ftp://x/", "http://a@b/", "/\xff" } do
      assert_refused(server, 400, head("GET " .. target .. " HTTP/1.1", "Host: x"))
    end
  end)

  it("what is expected of it that it cannot do", function()
    local server <close> = http.serve(describe_request)
    assert_refused(server, 417, head("PUT / HTTP/1.1", "Host: x", "Expect: miracles", "Content-Length: 3"))
  end)

  -- Scripts were told of a negative length.
  it("bodies longer than a number of Lua can say", function()
    local server <close> = http.serve(describe_request)
    assert_refused(server, 413, head("PUT / HTTP/1.1", "Host: x", "Content-Length: 9223372036854775808"))
    assert_refused(server, 413, head("PUT / HTTP/1.1", "Host: x", "Content-Length: 18446744073709551615"))
  end)

  it("what is no HTTP", function()
    local server <close> = http.serve(describe_request)
    assert_refused(server, 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" .. ("\xa5"):rep(500))
    assert_refused(server, 400, ("\0"):rep(1000))
    assert_refused(server, 400, "hello\r\n\r\n")
  end)

  it("the request after others, which are answered", function()
    local server <close> = http.serve(describe_request)
    local client <close> = http.dial(server)
    client:send(http.text("PUT", "/a", { body = "abc" }) .. "nonsense\r\n\r\n" .. http.text("GET", "/never"))
    assert.equal("PUT /a filo.test 1 [abc]", client:answer().body)
    assert.equal(400, client:answer().status)
    client:end_of()
  end)
end)
