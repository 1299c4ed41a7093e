---The files of spec/fixtures, as the independent program makes them; all keys and numbers are fixed, so that it always
---makes the same bytes.

local independent = require "spec.support.independent"
local openssl = require "spec.support.openssl"

local FOLDER = "spec/fixtures/"

local fixtures = { FOLDER = FOLDER }

---Bytes that look like nothing in particular: SHA-256 of the label, the label and 1, and so on.
local function bytes(label, size)
  local pieces = {}
  for i = 1, -(-size // 32) do pieces[i] = openssl.sha256(label .. i) end
  return table.concat(pieces):sub(1, size)
end

fixtures.seed = bytes("seed", 32)
fixtures.identity = independent.identity(fixtures.seed)
fixtures.namespace = fixtures.identity.namespace

---What is sealed into each fixture.
fixtures.objects = {
  short = { key = "short", version = 1, content = "Filo\n", meta = "\xa1dnameeshort" },
  empty = { key = "", version = 2, content = "", meta = "" },
  -- The counter block wraps around within the first 48 bytes.
  wrapping = { key = "a/../b\0c", version = math.maxinteger, content = ("0123456789abcdef"):rep(5), meta = "\xa0", iv = ("\xff"):rep(16) },
  plain = { key = "plain", version = 4, content = "public as it is", meta = "\xa0", plain = true },
  tombstone = { key = "short", version = 5, content = "", meta = "\xa0", tombstone = true },
  classed = { key = "classed", version = 8, content = "of class 7, and generation 3", meta = "\xa0", class = 7, generation = 3 },
  -- The record does not fit the last 4 KiB of the file.
  talkative = { key = "talkative", version = 6, content = "x", meta = ("meta"):rep(1500) },
}

---Too long to be kept: its digest is.
fixtures.long = {
  key = "long",
  version = 7,
  content = ("A line of the long object, which has two chunks and a half.\n"):rep(44000):sub(1, 5 << 19),
  meta = "\xa0",
}

---Seals an object with the fixed numbers of its name: file, record, body.
function fixtures.seal(name, object)
  object.iv = object.iv or bytes(name .. " iv", 16)
  object.content_key = bytes(name .. " content key", 32)
  object.nonce = bytes(name .. " nonce", 12)
  object.key_hash = independent.key_hash(fixtures.namespace, object.key)
  return independent.seal(fixtures.namespace, object)
end

---All fixtures: file name to bytes.
function fixtures.make()
  local files = { identity = independent.identity_text(fixtures.seed) }
  for name, object in pairs(fixtures.objects) do files[name .. ".sealed"] = fixtures.seal(name, object) end
  files["long.sha256"] = openssl.hex(openssl.sha256((fixtures.seal("long", fixtures.long)))) .. "\n"
  return files
end

function fixtures.read(name)
  local file <close> = assert(io.open(FOLDER .. name, "rb"))
  return file:read "a"
end

return fixtures
