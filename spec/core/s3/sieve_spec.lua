---What the body of a request passes on its way: framing taken away, signatures verified, digests computed.

local aws_chunked = require "spec.support.aws_chunked"
local crypto = require "filo.core.crypto"
local filo = require "filo"
local http_pair = require "spec.support.http_pair"
local net = require "filo.core.net"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"

local begin, pair, request = http_pair.begin, http_pair.open, http_pair.request
local ALL = { "md5", "sha1", "sha256", "crc32", "crc32c", "crc64nvme" }

local signer = aws_chunked.signer {
  secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", day = "20130524", time = "000000", region = "us-east-1",
  seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
}

---All that comes; nil and the failure.
local function read_all(sieve, most)
  local pieces = {}
  while true do
    local piece, err = sieve:read(most or 65536)
    if err then return nil, err end
    if not piece then return table.concat(pieces) end
    pieces[#pieces + 1] = piece
  end
end

---What comes of a body, its digests and trailers; or nil and the failure.
local function sift(body, plan, step, most)
  return pair(function(connection, client)
    begin(connection, client, request(body, step))
    local sieve <close> = assert(net.sieve(connection, plan))
    local data, err = read_all(sieve, most)
    if data then return data, sieve:digests(), sieve:trailers() end
    assert.same(err, select(2, sieve:read(1)))
    raises("its end has not come", sieve.digests, sieve)
    return nil, err
  end)
end

local function hex_of(digests)
  local digits = {}
  for name, bytes in pairs(digests) do digits[name] = crypto.hex(bytes) end
  return digits
end

describe("digests", function()
  it("are those that others compute", function()
    local data, digests, trailers = sift("123456789", { length = 9, digests = ALL })
    assert.equal("123456789", data)
    assert.same({
      md5 = "25f9e794323b453885f5181f1b624d0b", sha1 = "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
      sha256 = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225", crc32 = "cbf43926", crc32c = "e3069283",
      crc64nvme = "ae8b14860a799888",
    }, hex_of(digests))
    assert.same({}, trailers)
  end)

  ---Bit by bit, as the definitions have it.
  local function crc(polynomial, bits, bytes)
    local ones = bits == 64 and -1 or (1 << bits) - 1
    local value = ones
    for at = 1, #bytes do
      value = value ~ bytes:byte(at)
      for _ = 1, 8 do value = value & 1 == 1 and value >> 1 ~ polynomial or value >> 1 end
    end
    return (">I" .. bits // 8):pack(value ~ ones)
  end

  it("are the same bit by bit", function()
    for length = 0, 100, 7 do
      local bytes = assert(crypto.random(length))
      local _, digests = sift(bytes, { digests = ALL }, 50)
      assert.same({
        crc32 = crypto.hex(crc(0xEDB88320, 32, bytes)), crc32c = crypto.hex(crc(0x82F63B78, 32, bytes)),
        crc64nvme = crypto.hex(crc(0x9A6C9329AC4BC9B5, 64, bytes)), md5 = crypto.hex(crypto.digest("md5", bytes)),
        sha1 = crypto.hex(crypto.digest("sha1", bytes)), sha256 = crypto.hex(crypto.digest("sha256", bytes)),
      }, hex_of(digests))
    end
  end)

  it("are of nothing, too", function()
    local _, digests = sift("", { digests = { "md5", "crc32", "crc64nvme" } })
    assert.same({ md5 = "d41d8cd98f00b204e9800998ecf8427e", crc32 = "00000000", crc64nvme = "0000000000000000" }, hex_of(digests))
  end)

  it("do not depend on how the bytes are cut", function()
    local bytes = assert(crypto.random(100003))
    local _, whole = sift(bytes, { digests = ALL })
    assert.equal(crypto.digest("sha1", bytes), whole.sha1)
    for _, step in ipairs { 1, 7, 8, 9, 50002, 70000 } do
      local text = step == 1 and bytes:sub(1, 300) or bytes
      local data, digests = sift(text, { digests = ALL }, step, step + 2)
      assert.is_true(data == text)
      if step > 1 then assert.same(hex_of(whole), hex_of(digests)) end
    end
  end)
end)

describe("a length", function()
  it("is that of the data, no more and no less", function()
    for _, step in ipairs { 1, 3, 100 } do
      assert.equal("abcde", sift("abcde", { length = 5 }, step))
      assert.matches("^more than the 4 bytes", refused("invalid", sift("abcde", { length = 4 }, step)))
      assert.matches("^5 bytes came of 6 that", refused("invalid", sift("abcde", { length = 6 }, step)))
      local framed = aws_chunked.body { "abc", "de" }
      assert.equal("abcde", sift(framed, { chunked = true, length = 5 }, step))
      assert.matches("^more than the 4 bytes", refused("invalid", sift(framed, { chunked = true, length = 4 }, step)))
      assert.matches("^5 bytes came of 6 that", refused("invalid", sift(framed, { chunked = true, length = 6 }, step)))
    end
  end)
end)

describe("aws-chunked", function()
  it("is taken away, however it is cut", function()
    local pieces = { ("a"):rep(300), "b", ("\r\n0\r\n"):rep(20) }
    local trailers = { { "x-amz-checksum-crc32", "AAAAAA==" }, { "x-amz-meta", "" } }
    local framed = aws_chunked.body(pieces, nil, trailers)
    for step = 1, #framed do
      if step < 20 or step > 300 or step % 50 == 0 then
        local data, digests, found = sift(framed, { chunked = true, digests = { "crc32" } }, step, step % 3 + 1)
        assert.equal(table.concat(pieces), data)
        assert.equal(4, #digests.crc32)
        assert.same({ ["x-amz-checksum-crc32"] = "AAAAAA==", ["x-amz-meta"] = "" }, found)
      end
    end
  end)

  it("has no data at all", function()
    assert.equal("", sift("0\r\n\r\n", { chunked = true, length = 0 }))
  end)

  -- As Amazon's documentation writes trailers, and who follows it.
  it("may have trailers that end otherwise", function()
    for _, ends in ipairs { "a:1\n\r\n\r\n", "a:1\nb: 2 \n\r\n\r\n", "a:1\n\r\nb:2\n\r\n\r\n", "A:1\r\nb:2\n\r\n\r\n" } do
      local _, _, trailers = sift("1\r\nx\r\n0\r\n" .. ends, { chunked = true }, 1)
      assert.same({ a = "1", b = ends:find "b" and "2" or nil }, trailers)
    end
  end)

  it("is refused where it is anything else", function()
    local zeros = ("0"):rep(64)
    for _, junk in ipairs {
      "", "\r\n", "x\r\n", "1\r\n", "1\r\nab", "1\r\na", "1\r\na\n0\r\n\r\n", "1\r\na\r\n", "1\r\na\r\n0\r\n", "1\r\na\r\n0\r\n\n",
      "0\n\r\n", "0\r\n\r\n\r\n", "0\r\n\r\nx", "-1\r\n", "0x1\r\na\r\n0\r\n\r\n", " 1\r\na\r\n0\r\n\r\n", "1 \r\na\r\n0\r\n\r\n",
      "1;\r\na\r\n0\r\n\r\n", "1;a=b\r\na\r\n0\r\n\r\n", "1;chunk-signature=\r\na\r\n0\r\n\r\n",
      "1;chunk-signature=" .. zeros .. "0\r\na\r\n0\r\n\r\n",
      "1;chunk-signature=" .. zeros:sub(2) .. "g\r\na\r\n0\r\n\r\n", "1;Chunk-Signature=" .. zeros .. "\r\na\r\n0\r\n\r\n",
      "4000000000000001\r\na", "10000000000000000\r\na\r\n", "ffffffffffffffff\r\na\r\n", ("0"):rep(300) .. "\r\n\r\n",
      "1\r\na\r\n0\r\na\r\n\r\n", "1\r\na\r\n0\r\n:a\r\n\r\n", "1\r\na\r\n0\r\na b:c\r\n\r\n", "0\r\na:b\0\r\n\r\n", "0\r\na:b\rc\r\n\r\n",
      "0\r\na:b\r\nA:c\r\n\r\n", "0\r\n a:b\r\n\r\n", "0\r\na:\xff\r\n\r\n", "0\r\na:" .. ("b"):rep(4096) .. "\r\n\r\n",
      "0\r\nx-amz-trailer-signature:" .. zeros:sub(2) .. "\r\n\r\n", "0\r\na:b\n\r\n",
      "0\r\nx-amz-trailer-signature:" .. zeros .. "\r\na:b\r\n\r\n", "0\r\n" .. ("a:b\r\n"):rep(2) .. "\r\n",
    } do
      for _, step in ipairs { 1, 2, 1000 } do
        local data, err = sift(junk, { chunked = true }, step)
        assert.is_nil(data, junk)
        assert.equal("invalid", err.code, junk)
      end
    end
  end)

  it("has trailers of 4 KiB at most", function()
    local function trailers(bytes)
      local text, number = {}, 0
      while bytes > 0 do
        number = number + 1
        local line = ("t%d:%s\r\n"):format(number, ("v"):rep(math.min(60, bytes)))
        text[number], bytes = line, bytes - #line
      end
      return table.concat(text)
    end
    assert.is_truthy(sift("0\r\n" .. trailers(3900) .. "\r\n", { chunked = true }))
    refused("invalid", sift("0\r\n" .. trailers(4200) .. "\r\n", { chunked = true }))
  end)
end)

describe("signed chunks", function()
  -- The example of "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks".
  it("are those of Amazon's example", function()
    local pieces = { ("a"):rep(65536), ("a"):rep(1024) }
    local framed, signatures = aws_chunked.body(pieces, signer)
    assert.same({
      "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
      "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
      "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    }, signatures)
    local data = sift(framed, aws_chunked.plan(signer, { length = 66560 }))
    assert.is_true(data == table.concat(pieces))
  end)

  it("are verified however they are cut", function()
    local framed = aws_chunked.body({ "abc", "d", ("e"):rep(200) }, signer, { { "x-amz-checksum-crc32", "AAAAAA==" } })
    local plan = aws_chunked.plan(signer, { trailer_signed = true, length = 204 })
    for _, step in ipairs { 1, 2, 3, 50, 85, 86, 87, #framed // 2, #framed } do
      local data, _, trailers = sift(framed, plan, step, step % 4 + 1)
      assert.equal("abcd" .. ("e"):rep(200), data)
      assert.same({ ["x-amz-checksum-crc32"] = "AAAAAA==" }, trailers)
    end
  end)

  it("that are not what was signed are denied, and where it is", function()
    local framed = aws_chunked.body({ "abc", "defg" }, signer, { { "a", "bbbb" } })
    local plan = aws_chunked.plan(signer, { trailer_signed = true })
    local function denied(text, with) return refused("denied", sift(text, with or plan, 5)) end
    assert.equal("abcdefg", sift(framed, plan))
    assert.matches("^chunk 1 of the body is not what", denied((framed:gsub("abc", "abd"))))
    assert.matches("^chunk 2 of the body is not what", denied((framed:gsub("defg", "defh"))))
    assert.matches("^the trailers of the body are not what", denied((framed:gsub("bbbb", "bbbc"))))
    assert.matches("^the trailers of the body are not what", denied((framed:gsub("a:bbbb\r\n", ""))))
    assert.matches("^the trailers of the body have no", denied((framed:gsub("x%-amz%-trailer%-signature:%x+\r\n", ""))))
    local first = framed:find "signature=%x" + #"signature="
    local digit = framed:sub(first, first) == "0" and "1" or "0"
    assert.matches("^chunk 1 of the body is not", denied(framed:sub(1, first - 1) .. digit .. framed:sub(first + 1)))
    local last = framed:find("\r\n0;", 1, true)
    assert.matches("^chunk 3 of the body has no", denied((framed:gsub("\r\n0;[^\r]+", "\r\n0", 1))))
    refused("invalid", sift(framed:sub(1, last + 1), plan))
    local others = { key = ("k"):rep(32), date = "20130525T000000Z", scope = "20130524/eu/s3/aws4_request", seed = ("0"):rep(64) }
    for name, other in pairs(others) do
      assert.matches("^chunk 1 of the body is not what", denied(framed, aws_chunked.plan(plan, { [name] = other })))
    end
  end)

  it("in another order are denied", function()
    local framed = aws_chunked.body({ "abc", "def" }, signer)
    local one, two, rest = framed:match "^(3.-abc\r\n)(3.-def\r\n)(.*)$"
    assert.equal("abcdef", sift(one .. two .. rest, aws_chunked.plan(signer)))
    assert.matches("^chunk 1 ", refused("denied", sift(two .. one .. rest, aws_chunked.plan(signer))))
    assert.matches("^chunk 2 ", refused("denied", sift(one .. rest, aws_chunked.plan(signer))))
  end)

  it("are demanded where a key is given", function()
    assert.matches("^chunk 1 of the body has no", refused("denied", sift(aws_chunked.body { "abc" }, aws_chunked.plan(signer))))
    assert.matches("^chunk 1 of the body has no", refused("denied", sift(aws_chunked.body {}, aws_chunked.plan(signer))))
    assert.equal("abc", sift(aws_chunked.body({ "abc" }, signer), { chunked = true }))
  end)

  it("have no trailers that were not announced", function()
    local framed = aws_chunked.body({ "abc" }, signer, { { "a", "b" } })
    assert.matches("trailers where none", refused("denied", sift(framed, aws_chunked.plan(signer))))
    framed = aws_chunked.body({ "abc" }, signer, {})
    assert.matches("trailers where none", refused("denied", sift(framed, aws_chunked.plan(signer))))
    assert.equal("abc", sift(framed, aws_chunked.plan(signer, { trailer_signed = true })))
  end)
end)

describe("a sieve", function()
  it("leaves the connection to the next request", function()
    pair(function(connection, client)
      local framed = aws_chunked.body { "abc" }
      begin(connection, client, request(framed) .. request("next"))
      local sieve = assert(net.sieve(connection, { chunked = true, length = 3 }))
      raises("something takes the body already", connection.read, connection, 1)
      raises("something takes the body already", net.sieve, connection, {})
      assert.equal("abc", read_all(sieve))
      assert.is_nil(sieve:read(1))
      assert(connection:request())
      assert.equal("next", connection:read(100))
      sieve:close()
      sieve:close()
      raises("the sieve is closed", sieve.digests, sieve)
    end)
  end)

  it("that is closed lets the rest of the body go", function()
    pair(function(connection, client)
      begin(connection, client, request("abcdef", 2))
      local sieve = assert(net.sieve(connection, {}))
      assert.equal("ab", sieve:read(10))
      sieve:close()
      local rest = ""
      for piece in function() return connection:read(10) end do rest = rest .. piece end
      assert.matches("cdef$", rest)
    end)
  end)

  it("goes on from where the body was read to", function()
    pair(function(connection, client)
      begin(connection, client, request "abcdef")
      assert.equal("ab", connection:read(2))
      local sieve <close> = assert(net.sieve(connection, { length = 4 }))
      assert.equal("c", sieve:read(1))
      assert.equal("def", read_all(sieve))
    end)
  end)

  it("that is closed, or whose connection is, ends who waits for it", function()
    for _, what in ipairs { "sieve", "connection" } do
      pair(function(connection, client)
        begin(connection, client, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        local closing = { connection = connection, sieve = assert(net.sieve(connection, {})) }
        local task = filo.spawn(function() return closing.sieve:read(1) end)
        filo.sleep(0)
        raises("something takes its data already", closing.sieve.read, closing.sieve, 1)
        closing[what]:close()
        refused("closed", task:join())
        closing.sieve:close()
      end)
    end
  end)

  it("keeps to the time limits of its connection, and tells of its end", function()
    pair(function(connection, client)
      begin(connection, client, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
      local sieve <close> = assert(net.sieve(connection, {}))
      assert.equal("a", sieve:read(1))
      refused("timeout", sieve:read(1))
    end, 0.05)
    pair(function(connection, client)
      begin(connection, client, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
      local sieve <close> = assert(net.sieve(connection, {}))
      assert.equal("a", sieve:read(1))
      client:close()
      refused("unreachable", sieve:read(1))
    end)
  end)

  -- The client had no more time than before, though nobody waited.
  it("whose reader is cancelled may wait as long as it likes", function()
    pair(function(connection, client)
      begin(connection, client, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
      local sieve <close> = assert(net.sieve(connection, {}))
      refused("timeout", filo.timeout(0.01, function() return sieve:read(1) end))
      filo.sleep(0.2)
      client:write "abc"
      assert.equal("abc", sieve:read(3))
    end, 0.1)
  end)

  it("may be of no body", function()
    local sieve <close> = assert(net.sieve(nil, { length = 0, digests = { "sha1" } }))
    assert.is_nil(sieve:read(1))
    assert.same({ sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709" }, hex_of(sieve:digests()))
    for _, plan in ipairs { { length = 1 }, { chunked = true } } do
      local other <close> = assert(net.sieve(nil, plan))
      refused("invalid", other:read(1))
    end
  end)

  it("says what is wrong with a plan", function()
    pair(function(connection, client)
      begin(connection, client, request "abc")
      local function wrong(pattern, plan) raises(pattern, net.sieve, connection, plan) end
      wrong("table expected", nil)
      wrong("plan.length: ", { length = -1 })
      wrong("plan.length: ", { length = "3" })
      wrong("plan.digests: ", { digests = "md5" })
      wrong("plan.digests: md5, sha1", { digests = { "md4" } })
      wrong("plan.digests: md5, sha1", { digests = { 1 } })
      wrong("plan.key: a signing key", { chunked = true, key = "short" })
      wrong("plan.key: chunked", aws_chunked.plan(signer, { chunked = false }))
      wrong("plan.key: a date and a scope", { chunked = true, key = signer.key, seed = signer.seed })
      wrong("plan.date: a line", aws_chunked.plan(signer, { date = "a\nb" }))
      wrong("plan.scope: a line", aws_chunked.plan(signer, { scope = "" }))
      wrong("plan.seed: 64", aws_chunked.plan(signer, { seed = "00" }))
      wrong("plan.seed: 64", aws_chunked.plan(signer, { seed = ("x"):rep(64) }))
      wrong("plan.trailer_signed: ", { chunked = true, trailer_signed = true })
      local sieve <close> = assert(net.sieve(connection, {}))
      raises("a number of bytes", sieve.read, sieve, 0)
      assert.equal("abc", read_all(sieve))
    end)
  end)
end)
