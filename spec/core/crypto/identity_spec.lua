---Identities: the keys that come from their seed, their files, signatures.

local crypto = require "filo.core.crypto"
local lfs = require "lfs"
local openssl = require "spec.support.openssl"
local refused = require "spec.support.refused"
local temp = require "spec.support.temp"

local hex, raw = openssl.hex, openssl.unhex

describe("an identity", function()
  local vectors = { -- RFC 8032 7.1, tests 1 to 3
    {
      key = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      id = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      message = "",
      signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        .. "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    },
    {
      key = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      id = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      message = "72",
      signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        .. "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    },
    {
      key = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      id = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      message = "af82",
      signature = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        .. "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    },
  }
  local SEED = ("s"):rep(32)

  it("verifies what RFC 8032 signs", function()
    for _, vector in ipairs(vectors) do
      assert.is_true(crypto.verify(vector.id, raw(vector.message), raw(vector.signature)))
      assert.is_true(crypto.verify(raw(vector.id), raw(vector.message), raw(vector.signature)))
    end
  end)

  it("signs with the node key that comes from its seed, as another program does", function()
    local identity <close> = assert(crypto.identity_from_seed(SEED))
    local key = crypto.hkdf_sha256(SEED, nil, "filo node key v2", 32)
    assert.equal(openssl.ed25519_public(key), identity:raw_id())
    assert.equal(hex(identity:raw_id()), identity:id())
    assert.equal(openssl.ed25519_sign(key, "a message"), identity:sign "a message")
  end)

  it("does not verify anything else, and never raises over it", function()
    local identity <close> = crypto.identity_generate()
    local signature = identity:sign "data"
    local function verify(code, ...) refused(code, crypto.verify(...)) end
    for at = 1, #signature do
      local other = string.char(signature:byte(at) ~ 4)
      verify("corrupt", identity:id(), "data", signature:sub(1, at - 1) .. other .. signature:sub(at + 1))
    end
    verify("corrupt", identity:id(), "date", signature)
    verify("corrupt", ("\xff"):rep(32), "data", signature)
    verify("corrupt", ("\0"):rep(32), "data", ("\0"):rep(64))
    verify("invalid", identity:id(), "data", signature .. "x")
    verify("invalid", identity:id(), "data", "")
    verify("invalid", identity:id():sub(2), "data", signature)
    verify("invalid", ("x"):rep(64), "data", signature)
    verify("invalid", "", "data", signature)
  end)

  it("is a new one each time", function()
    local one <close> = crypto.identity_generate()
    local other <close> = crypto.identity_generate()
    assert.not_equal(one:id(), other:id())
    assert.matches("^%x+$", one:id())
    assert.equal(64, #one:id())
  end)

  it("comes back from its file, which only its owner may read", function()
    local dir <close> = temp.folder()
    local identity <close> = crypto.identity_from_seed(SEED)
    local path = dir:file "identity"
    assert.equal(identity, assert(identity:save(path)))
    assert.equal("rw-------", lfs.attributes(path, "permissions"))
    assert.equal(("filo identity v2\nseed %s\n"):format(hex(SEED)), dir:read "identity")
    local again <close> = assert(crypto.identity_load(path))
    assert.equal(identity:id(), again:id())
    assert.equal(identity:namespace():id(), again:namespace():id())
    assert.equal(SEED, again:seed())
    local names = {}
    for name in lfs.dir(dir.path) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ ".", "..", "identity" }, names)
  end)

  it("never replaces a file", function()
    local dir <close> = temp.folder()
    local identity <close> = crypto.identity_generate()
    local path = dir:write("identity", "something else")
    local nothing, err = identity:save(path)
    assert.is_nil(nothing)
    assert.equal("exists", err.code)
    assert.equal("something else", dir:read "identity")
  end)

  it("says why it cannot be loaded or saved", function()
    local dir <close> = temp.folder()
    local identity <close> = crypto.identity_generate()
    local function check(code, text, ...) assert.matches(text, refused(code, ...), 1, true) end
    check("not_found", dir:file "none", crypto.identity_load(dir:file "none"))
    check("not_found", "none/identity", identity:save(dir:file "none/identity"))

    local open = dir:file "open"
    assert(identity:save(open))
    os.execute("chmod 640 " .. open)
    check("denied", "chmod 600 " .. open, crypto.identity_load(open))

    assert(identity:save(dir:file "good"))
    local good = dir:read "good"
    local bad = { "", "x", good:sub(1, -2), good .. "\n", good:gsub("v2", "v3"), good:gsub("seed %x", "seed g") }
    for i, content in ipairs(bad) do
      local path = dir:write("bad" .. i, content)
      os.execute("chmod 600 " .. path)
      check("corrupt", "is no identity", crypto.identity_load(path))
    end
    assert(os.execute("mkfifo -m 600 " .. dir:file "fifo"))
    check("corrupt", "no regular file", crypto.identity_load(dir:file "fifo"))
    assert.error_matches(function() crypto.identity_load "a\0b" end, "NUL")
    assert.error_matches(function() crypto.identity_load "" end, "path")
  end)

  it("refuses seeds of other lengths and use after close", function()
    for _, seed in ipairs { "", SEED .. "x" } do
      assert.error_matches(function() crypto.identity_from_seed(seed) end, "32 bytes")
    end
    local identity = crypto.identity_generate()
    identity:close()
    identity:close()
    for _, method in ipairs { "id", "raw_id", "sign", "seed", "namespace", "save" } do
      assert.error_matches(function() identity[method](identity, "x") end, "closed")
    end
    assert.error_matches(function() identity.id(crypto.hasher "md5") end, "filo.identity expected")
  end)
end)
