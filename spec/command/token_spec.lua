local filo = require "filo"
local token = require "filo.command.token"

local NOW = 1700000000
local INVITATION = {
  address = "storage.example:7171", id = ("0123456789abcdef"):rep(4), secret = "a secret of the cluster", expires = NOW + 60,
  operators = { ("ab"):rep(32), ("cd"):rep(32) },
}

local function fails(text, code, pattern, now)
  local read, err = token.decode(text, now or NOW)
  assert.is_nil(read)
  assert.equal(code, err.code)
  assert.matches(pattern, tostring(err))
end

---A token of these bytes with a checksum that is right.
local function with_checksum(bytes)
  local pipe <close> = assert(io.popen("printf '" .. (bytes .. filo.crypto.digest("sha256", "filo token v3" .. bytes):sub(1, 8)):gsub(".",
    function(c) return ("\\%03o"):format(c:byte()) end) .. "' | base64 -w0 | tr '+/' '-_' | tr -d ="))
  return "filo_" .. pipe:read "a"
end

describe("a token", function()
  it("gives back what it was made of", function()
    for length = 8, 40 do
      INVITATION.secret = ("s\xff"):rep(length):sub(1, length)
      assert.same(INVITATION, token.decode(token.encode(INVITATION), NOW))
    end
    local device = { capability = "filo-write.AAAA" }
    for name, value in pairs(INVITATION) do device[name] = value end
    assert.same(device, token.decode(token.encode(device), NOW))
  end)

  it("is one line that may stand in a URL", function()
    assert.matches("^filo_[%w_-]+$", token.encode(INVITATION))
  end)

  it("has the bytes that are documented", function()
    local bytes = (">Bi8c32s2s2s2s2"):pack(3, INVITATION.expires, filo.crypto.unhex(INVITATION.id), INVITATION.address, INVITATION.secret,
      "", ("\xab"):rep(32) .. ("\xcd"):rep(32))
    assert.equal(with_checksum(bytes), token.encode(INVITATION))
  end)

  it("is read with the space around it that copying leaves", function()
    assert.same(INVITATION, token.decode(" \t" .. token.encode(INVITATION) .. "\r\n", NOW))
  end)

  it("is told apart: expired, mistyped, cut, none, of a newer version", function()
    local text = token.encode(INVITATION)
    fails(text, "denied", "expired at 2023%-11%-14 22:14 UTC.*filo invite", INVITATION.expires)
    fails(text:sub(1, -2), "corrupt", "mistyped or cut")
    fails(text .. "x", "corrupt", "mistyped or cut")
    fails("filo_", "corrupt", "mistyped or cut")
    fails("filo_?" .. text:sub(7), "corrupt", "mistyped or cut")
    fails("", "invalid", "no token")
    fails("xfilo_" .. text, "invalid", "no token")
    fails(with_checksum "\4of tomorrow", "unsupported", "newer Filo")
  end)

  it("has no letter that may be another one", function()
    local text = token.encode(INVITATION)
    for at = 6, #text - 1 do -- the last one has bits that say nothing
      local other = text:sub(at, at) == "A" and "B" or "A"
      fails(text:sub(1, at - 1) .. other .. text:sub(at + 1), "corrupt", "mistyped")
    end
  end)
end)
