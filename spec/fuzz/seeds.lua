---What the fuzzers start from: seeds.lua FOLDER writes FOLDER/NAME/seed-N for each. Made from spec/fixtures and from the wire format.

local cbor = require "filo.core.cbor"
local fixtures = "spec/fixtures/"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read "a")
end

local function message(bytes) return ("<Bs4"):pack(1, bytes) end
local function stream(number, bytes) return ("<BI4s4"):pack(2, number, bytes) end
local function credit(number, bytes) return ("<BI4I4"):pack(3, number, bytes) end
local function reset(number, reason) return ("<BI4I4"):pack(4, number, reason) end
local function ping(token) return ("<Bi8"):pack(5, token) end
local function pong(token) return ("<Bi8"):pack(6, token) end

local hello = cbor.encode { hello = { version = 2, proof = ("\xff"):rep(32) } }
local request = cbor.encode { id = 7, topic = "find", body = { namespace = ("n"):rep(32), list = { 1, -2, 3.5, true } } }

local seeds = { frame = {}, record = {}, trailer = {}, cbor = {}, address = {}, identity = {}, capability = {}, http = {}, sieve = {} }

seeds.frame = {
  "\0\1" .. message(hello) .. message "" .. message(request),
  "\1\7" .. message(("x"):rep(5000)) .. credit(1, 1 << 20) .. stream(1, ("y"):rep(300)) .. stream(1, "") .. reset(2, 9),
  "\0\3" .. reset(0, 12), "\1\5" .. ping(1) .. pong(-1) .. ping(math.mininteger), "\0\0" .. "\7",
  "\0\0" .. "\5", "\0\0" .. "\6\1\2", "\0\0" .. ("<BI4"):pack(1, 1 << 21), "\0\0" .. ("<BI4I4"):pack(2, 1, 1 << 21), "\0\0" .. credit(1, 0),
  "\0\0" .. credit(0, 1), "\0\0" .. stream(0, "z"),
}

for _, name in ipairs { "by-filo", "classed", "empty", "plain", "short", "talkative", "tombstone", "wrapping" } do
  local file = read(fixtures .. name .. ".sealed")
  local length = ("<I4"):unpack(file, #file - 15)
  table.insert(seeds.trailer, file)
  table.insert(seeds.record, file:sub(-16 - length, -17 - 64)) -- without the signature
end

seeds.cbor = {
  hello, request, cbor.encode { {}, { {} }, [-5] = "minus", text = "\u{2713}", bytes = "\x80", no = false, big = math.mininteger },
  "\xa1\x01\xf6", "\x83\x01\xf6\x03", "\xf9\x7e\x00", "\x9f\xff", "\xbf\xff", "\xc1\x00", "\xf7", "\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
  ("\x81"):rep(17) .. "\x00",
}

seeds.address = {
  "127.0.0.1:3000", "[::1]:3000", "storage.example:65535", ":0", "[fe80::1%eth0]:1", "localhost:65536", "::1:3000", "[::1]", "host",
  "[127.0.0.1]:1", "a b:1",
}

local identity = read(fixtures .. "identity")
seeds.identity = { identity, identity:upper(), identity .. "\n", identity:gsub("2", "g"), identity:sub(1, 100) }

local keys = require("filo.core.crypto").identity_from_seed(("f"):rep(32)):namespace()
seeds.capability = { keys:grant "keep", keys:grant("read-one", 7, "a key"), keys:grant("read", 3), keys:grant "write", "filo-append.AAAA" }

local function post(rest) return "\0POST /o/a%20b?x=1 HTTP/1.1\r\nHost: here\r\n" .. rest end
local chunked = "Transfer-Encoding: chunked\r\n\r\n"
seeds.http = {
  "\1GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", post "Content-Length: 5\r\n\r\nhello",
  post("Expect: 100-continue\r\n" .. chunked .. "5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"), post(chunked .. "0\r\n\r\n"),
  post "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", post "A: b\r\n c\r\n\r\n", post "A : b\r\n\r\n", post "\n",
  "\3CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "\2\22\3\1\2\0\1\0\1\252", "\9GET /" .. ("x"):rep(17000),
  "\7PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}

local signature = ";chunk-signature=" .. ("5e"):rep(32)
local framed, long = "3\r\nabc\r\n2\r\nde\r\n0\r\n", ("x"):rep(300)
seeds.sieve = {
  "\1" .. framed .. "\r\n", "\23" .. framed .. "x-amz-checksum-crc32c:AAAAAA==\r\nb: c \r\n\r\n", "\1" .. framed .. "a:b\n\r\n\r\n",
  "\1" .. framed .. "a:b\nc:d\n\r\nx-amz-trailer-signature:" .. ("5e"):rep(32) .. "\r\n\r\n", "\0plain", "\22abcde", "\26abcde",
  "\1" .. ("12c%s\r\n%s\r\n0%s\r\n\r\n"):format(signature, long, signature), "\1ffffffffffffffff\r\na", "\1" .. ("0"):rep(300), "\3",
}

local folder = assert(arg[1], "seeds.lua FOLDER")
for name, list in pairs(seeds) do
  assert(os.execute(("mkdir -p '%s/%s'"):format(folder, name)))
  for i, bytes in ipairs(list) do
    local file <close> = assert(io.open(("%s/%s/seed-%d"):format(folder, name, i), "wb"))
    assert(file:write(bytes))
  end
end
